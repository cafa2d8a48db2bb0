"""Log formatter that appends ids to each line."""

import logging

from accounts.web.request_ids import current_request_id

# Attributes that logging itself sets on a record. All others come from `extra`.
_STANDARD_FIELDS = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request", "data"}


class IdFormatter(logging.Formatter):
    """Formatter that appends the ids in `extra`, and the request's, to each line: ids, never speech or names."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        ids = [
            f"{name}={value}"
            for name, value in vars(record).items()
            if name.endswith("_id") and name not in _STANDARD_FIELDS
        ]
        if request_id := current_request_id.get():
            ids.append(f"request_id={request_id}")
        return f"{line} [{' '.join(ids)}]" if ids else line
