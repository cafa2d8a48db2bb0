import logging

# What logging itself puts on a record; anything else came in through `extra`.
_PLAIN = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "request", "data"}


class IdFormatter(logging.Formatter):
    """One line for an event, with the ids given as `extra` behind it. Logs carry ids, never speech or names."""

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def format(self, record: logging.LogRecord) -> str:
        line = super().format(record)
        ids = [f"{name}={value}" for name, value in vars(record).items() if name.endswith("_id") and name not in _PLAIN]
        return f"{line} [{' '.join(ids)}]" if ids else line
