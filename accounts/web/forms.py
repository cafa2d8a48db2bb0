"""Form behavior shared by pages and the administration."""

from typing import Any


class PlainLabelsMixin:
    """Form mixin that removes the colon that Django adds to labels."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{"label_suffix": "", **kwargs})
