"""Text of a PDF page that a person does not see. Runs in the sandbox of `pdf_sandbox.py`."""

import ctypes
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pypdf
    import pypdfium2

_WHITE = 250  # of 255; lighter colors cannot be told from white paper
_MAX_OBJECTS = 20_000  # on one page; a page with more is a drawing


def find_hidden_layers(document: "pypdf.PdfReader") -> frozenset[str]:
    """Return the names of the layers that are switched off when the document is opened."""
    properties = _entry(document.root_object, "/OCProperties")
    usual = _entry(properties, "/D")
    switched_off = list(_entry(usual, "/OFF") or ())
    if _entry(usual, "/BaseState") == "/OFF":
        shown = [one.get_object() for one in _entry(usual, "/ON") or ()]
        switched_off = [one for one in _entry(properties, "/OCGs") or () if one.get_object() not in shown]
    return frozenset(str(one.get_object().get("/Name", "")) for one in switched_off)


def _entry(container: Any, key: str) -> Any:
    found = container.get(key) if isinstance(container, dict) else None
    return found.get_object() if found is not None else None


def find_hidden_objects(page: "pypdfium2.PdfPage", hidden_layers: frozenset[str]) -> set[int]:
    """Return the addresses of text objects on hidden layers, and of white ones on white paper.

    Text without any color counts as visible, because text recognition puts it over scanned pages. So does white text
    over a picture, a shape that is not white, or a group of objects.
    """
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # import only under the resource limits

    hidden: set[int] = set()
    white, covers = [], []
    for index in range(min(pdfium.FPDFPage_CountObjects(page.raw), _MAX_OBJECTS)):
        drawn = pdfium.FPDFPage_GetObject(page.raw, index)
        kind, is_white = pdfium.FPDFPageObj_GetType(drawn), _is_white(drawn)
        if kind == pdfium.FPDF_PAGEOBJ_TEXT:
            if hidden_layers and _is_on_layer(drawn, hidden_layers):
                hidden.add(_address(drawn))
            elif is_white and pdfium.FPDFTextObj_GetTextRenderMode(drawn) == pdfium.FPDF_TEXTRENDERMODE_FILL:
                white.append(drawn)
        elif kind != pdfium.FPDF_PAGEOBJ_PATH or not is_white:
            covers.append(drawn)
    boxes = [_box(drawn) for drawn in covers] if white else []
    hidden.update(_address(drawn) for drawn in white if not any(_overlap(_box(drawn), box) for box in boxes))
    return hidden


def _is_white(drawn: object) -> bool:
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # import only under the resource limits

    colors = [ctypes.c_uint() for _ in range(4)]
    found = pdfium.FPDFPageObj_GetFillColor(drawn, *map(ctypes.byref, colors))
    return bool(found) and all(color.value >= _WHITE for color in colors[:3])


def _is_on_layer(drawn: object, names: frozenset[str]) -> bool:
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # import only under the resource limits

    marks = (pdfium.FPDFPageObj_GetMark(drawn, index) for index in range(pdfium.FPDFPageObj_CountMarks(drawn)))
    return any(_layer_name(mark) in names for mark in marks)


def _layer_name(mark: object) -> str | None:
    """Return the name of the layer that a mark refers to, or None for other marks."""
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # import only under the resource limits

    buffer, length = (pdfium.FPDF_WCHAR * 200)(), ctypes.c_ulong()
    pdfium.FPDFPageObjMark_GetName(mark, buffer, ctypes.sizeof(buffer), ctypes.byref(length))
    if _decode(buffer, length.value) != "OC":
        return None
    pdfium.FPDFPageObjMark_GetParamStringValue(mark, b"Name", buffer, ctypes.sizeof(buffer), ctypes.byref(length))
    return _decode(buffer, length.value)


def _decode(buffer: Any, length: int) -> str:
    return bytes(buffer)[:length].decode("utf-16-le", "replace").rstrip("\0")


def _address(drawn: object) -> int:
    return ctypes.cast(drawn, ctypes.c_void_p).value or 0  # type: ignore[arg-type]


def _box(drawn: object) -> tuple[float, float, float, float]:
    import pypdfium2.raw as pdfium  # noqa: PLC0415  # import only under the resource limits

    sides = [ctypes.c_float() for _ in range(4)]
    pdfium.FPDFPageObj_GetBounds(drawn, *map(ctypes.byref, sides))
    left, bottom, right, top = (side.value for side in sides)
    return left, bottom, right, top


def _overlap(one: tuple[float, float, float, float], other: tuple[float, float, float, float]) -> bool:
    return one[0] < other[2] and other[0] < one[2] and one[1] < other[3] and other[1] < one[3]
