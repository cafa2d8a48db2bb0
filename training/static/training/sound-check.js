const YEAR_SECONDS = 365 * 24 * 3600;

/** Keep, on this device, that the page has heard the counselor. The first visit's checklist reads it. */
export function rememberSoundCheck() {
  document.cookie = `sound-checked=1; path=/; max-age=${YEAR_SECONDS}; samesite=lax`;
}
