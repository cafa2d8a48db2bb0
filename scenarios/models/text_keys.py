"""Keys for the comparison of titles and names."""

from __future__ import annotations

import hashlib
import re
import unicodedata

from accounts.web.visible_text import remove_unseen

_SPACE = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")


def fold_text(text: str) -> str:
    """Return the form for comparing titles and names: trimmed, NFC-normalized, case-folded, with LF line endings.

    Invisible characters are removed, and unusual spaces, such as U+00A0, become plain ones.
    """
    text = _SPACE.sub(" ", remove_unseen(text.replace("\r\n", "\n")))  # line endings as packs store them
    return unicodedata.normalize("NFC", unicodedata.normalize("NFD", text).casefold()).strip()


def title_key(title: str) -> str:
    """Return a key that is equal for equivalent titles. Its fixed length lets titles of any length be indexed."""
    return hashlib.sha256(fold_text(title).encode(errors="surrogatepass")).hexdigest()
