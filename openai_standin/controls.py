"""The stand-in's own pages, for tests and operators: health, faults, ledger. No key is asked for."""

from .http import Answer, Request, json_answer
from .state import State


async def health(state: State, request: Request) -> Answer:
    return json_answer({"status": "ok"})


async def read_ledger(state: State, request: Request) -> Answer:
    return json_answer(state.ledger.as_json())


async def clear_ledger(state: State, request: Request) -> Answer:
    state.ledger.clear()
    return json_answer(state.ledger.as_json())


async def list_faults(state: State, request: Request) -> Answer:
    return json_answer(state.faults.as_json())


async def add_fault(state: State, request: Request) -> Answer:
    return json_answer(state.faults.add(request.json()).as_json(), 201)


async def clear_faults(state: State, request: Request) -> Answer:
    state.faults.clear()
    return json_answer(state.faults.as_json())
