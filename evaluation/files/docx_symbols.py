"""Characters of symbol fonts in DOCX files."""

CHECKED, UNCHECKED = "\u2612", "\u2610"
_PRIVATE_USE = range(0xF000, 0xF100)  # symbol fonts are mapped here
_WINGDINGS = {
    0x6F: UNCHECKED, 0x71: UNCHECKED, 0x72: UNCHECKED, 0xA8: UNCHECKED,
    0x78: CHECKED, 0xFD: CHECKED, 0xFE: "\u2611", 0xFB: "\u2717", 0xFC: "\u2713",
    0x6C: "\u25cf", 0x6E: "\u25a0", 0x76: "\u2756", 0xA7: "\u25aa", 0xD8: "\u27a2", 0xE0: "\u2192", 0xE8: "\u2794",
    0x4A: "\u263a", 0x4B: "\U0001f610", 0x4C: "\u2639", 0x28: "\u260e", 0x2A: "\u2709",
}  # fmt: skip
_WINGDINGS_2 = {
    0x50: "\u2713", 0x4F: "\u2717", 0x51: CHECKED, 0x52: "\u2611", 0x53: CHECKED, 0x54: CHECKED,
    0xA3: UNCHECKED, 0x30: UNCHECKED, 0x2A: UNCHECKED,
}  # fmt: skip
_SYMBOL = {
    0xB7: "\u2022", 0xA3: "\u2264", 0xB3: "\u2265", 0xB1: "\u00b1", 0xB9: "\u2260", 0xBB: "\u2248", 0xAE: "\u2192",
    0xAC: "\u2190", 0xAD: "\u2191", 0xAF: "\u2193", 0xB0: "\u00b0", 0xB4: "\u00d7", 0xB8: "\u00f7", 0xA5: "\u221e",
    0xD2: "\u00ae", 0xD3: "\u00a9", 0xD4: "\u2122", 0xE2: "\u00ae", 0xE3: "\u00a9", 0xE4: "\u2122", 0x2D: "\u2212",
    0x61: "\u03b1", 0x62: "\u03b2", 0x67: "\u03b3", 0x64: "\u03b4", 0x44: "\u0394", 0x6D: "\u03bc", 0x70: "\u03c0",
    0x53: "\u03a3", 0x73: "\u03c3", 0x57: "\u03a9",
}  # fmt: skip
_WEBDINGS = {0x61: "\u2713", 0x72: "\u2717", 0x63: UNCHECKED, 0x67: "\u25a0", 0x6E: "\u25cf", 0xC5: "\u260e"}
_FONTS: dict[str, dict[int, str]] = {
    "wingdings": _WINGDINGS, "wingdings 2": _WINGDINGS_2, "wingdings 3": {}, "webdings": _WEBDINGS, "symbol": _SYMBOL,
    "marlett": {}, "zapf dingbats": {}, "zapfdingbats": {},
}  # fmt: skip


def is_symbol_font(font: str) -> bool:
    return font.strip().lower() in _FONTS


def read_symbol(font: str, code: str) -> str | None:
    """Return the character for a hexadecimal code in a font, or None for a picture without a text equivalent."""
    try:
        number = int(code, 16)
    except ValueError:
        return None
    known = _FONTS.get(font.strip().lower())
    position = number - _PRIVATE_USE.start if number in _PRIVATE_USE else number
    if known is not None:
        return known.get(position, chr(position) if known is _SYMBOL and 0x20 < position < 0x40 else None)
    if number in _PRIVATE_USE:
        return chr(position) if position > 0x20 else None
    return chr(number) if 0x20 < number < 0xD800 or 0xE000 <= number < 0x110000 else None
