"""Form behavior that pages and the administration share."""

from typing import Any


class PlainLabelsMixin:
    """Form mixin that ends no label in a colon, which Django adds by itself."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
