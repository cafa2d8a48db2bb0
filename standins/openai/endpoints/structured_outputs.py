"""JSON schemas of structured outputs: OpenAI's rules for strict schemas, and values that fit any schema."""

import re
from collections.abc import Iterator

from ..http.errors import ApiError, bad_request
from ..http.json_types import JSON, JSONValue, as_list, as_number, as_object, as_text, objects, texts

FORBIDDEN_KEYWORDS = (
    "allOf",
    "oneOf",
    "not",
    "if",
    "then",
    "else",
    "dependentRequired",
    "dependentSchemas",
    "uniqueItems",
)
SCHEMA_NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
MAX_DEPTH = 10
JSON_TYPE_NAMES: dict[type, str] = {
    dict: "object",
    list: "array",
    str: "string",
    bool: "boolean",
    int: "integer",
    float: "number",
    type(None): "null",
}
EXAMPLE_TEXTS = {
    "title": "A caller who cannot sleep",
    "description": "The caller lost a job, sleeps badly and is not sure whether calling was right.",
    "prompt": "You are Dana, 34. You lost your job and have not slept for days. You open up when someone listens.",
    "category": "onboarding",
    "date": "2030-01-15",
    "email": "someone@example.org",
    "url": "https://example.org/",
}


def validate_format(wanted: JSON) -> None:
    """Raise ApiError for a `text.format` of type json_schema that OpenAI would refuse."""
    name, schema = as_text(wanted.get("name")), as_object(wanted.get("schema"))
    if not SCHEMA_NAME.fullmatch(name):
        raise bad_request("Invalid 'text.format.name': expected 1 to 64 of [a-zA-Z0-9_-].", "text.format.name")
    if not schema:
        raise bad_request("Missing required parameter: 'text.format.schema'.", "text.format.schema")
    if wanted.get("strict"):
        _validate_root(name, schema)


def _validate_root(name: str, schema: JSON) -> None:
    if schema.get("type") != "object":
        found = as_text(schema.get("type")) or "None"
        raise _invalid_schema(name, (), f"schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{found}\"'.")
    for path, part in _subschemas(schema, ()):
        _validate_subschema(name, path, part)


def _validate_subschema(name: str, path: tuple[str, ...], part: JSON) -> None:
    if forbidden := next((keyword for keyword in FORBIDDEN_KEYWORDS if keyword in part), None):
        raise _invalid_schema(name, path, f"'{forbidden}' is not permitted.")
    if not part.keys() & {"type", "enum", "const", "anyOf", "$ref"}:
        raise _invalid_schema(name, path, "schema must have a 'type' key.")
    if sum(step in ("properties", "items") for step in path) > MAX_DEPTH:
        raise _invalid_schema(name, path, f"schemas may be nested at most {MAX_DEPTH} levels deep.")
    if "object" in _types(part):
        _validate_object(name, path, part)


def _validate_object(name: str, path: tuple[str, ...], part: JSON) -> None:
    if part.get("additionalProperties") is not False:
        raise _invalid_schema(name, path, "'additionalProperties' is required to be supplied and to be false.")
    listed = texts(part.get("required"))
    for missing in (key for key in as_object(part.get("properties")) if key not in listed):
        rule = "'required' is required to be supplied and to be an array including every key in properties."
        raise _invalid_schema(name, path, f"{rule} Missing '{missing}'.")
    if extra := set(listed) - set(as_object(part.get("properties"))):
        raise _invalid_schema(name, path, f"'required' is not a subset of properties: {sorted(extra)}.")


def _invalid_schema(name: str, path: tuple[str, ...], why: str) -> ApiError:
    message = f"Invalid schema for response_format '{name}': In context={path}, {why}"
    return bad_request(message, "text.format.schema", "invalid_json_schema")


def _subschemas(schema: JSON, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], JSON]]:
    """Yield the schema and every schema inside it, each with its path."""
    yield path, schema
    for group in ("properties", "$defs", "definitions"):
        for key, part in as_object(schema.get(group)).items():
            yield from _subschemas(as_object(part), (*path, group, key))
    if "items" in schema:
        yield from _subschemas(as_object(schema["items"]), (*path, "items"))
    for index, part in enumerate(objects(schema.get("anyOf"))):
        yield from _subschemas(part, (*path, "anyOf", str(index)))


def _types(part: JSON) -> list[str]:
    wanted = part.get("type")
    return [wanted] if isinstance(wanted, str) else texts(wanted)


def fit_to_schema(schema: JSON, value: JSONValue, root: JSON | None = None, name: str = "") -> JSONValue:
    """Return the value in the schema's shape: unknown keys dropped, missing ones invented, enums respected."""
    root = schema if root is None else root
    schema = _resolve_reference(schema, root)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return _fit_enum(as_list(schema["enum"]), value)
    if branches := objects(schema.get("anyOf")):
        return fit_to_schema(_choose_branch(branches, value, root), value, root, name)
    kind = _choose_type(_types(schema), value)
    if kind == "object":
        given = as_object(value)
        properties = as_object(schema.get("properties"))
        return {key: fit_to_schema(as_object(part), given.get(key), root, key) for key, part in properties.items()}
    if kind == "array":
        return _fit_list(schema, value, root, name)
    return _fit_scalar(kind, schema, value, name)


def _fit_list(schema: JSON, value: JSONValue, root: JSON, name: str) -> JSONValue:
    items = as_object(schema.get("items"))
    given: list[JSONValue] = value if isinstance(value, list) else [None] * int(as_number(schema.get("minItems"), 1))
    given = given[: int(as_number(schema.get("maxItems"), len(given)))]
    given = given + [None] * (int(as_number(schema.get("minItems"), 0)) - len(given))
    return [fit_to_schema(items, item, root, name) for item in given]


def _fit_scalar(kind: str, schema: JSON, value: JSONValue, name: str) -> JSONValue:
    if kind in ("integer", "number"):
        low, high = as_number(schema.get("minimum"), 0), as_number(schema.get("maximum"), 10**9)
        wanted = min(max(as_number(value, 15 if name.endswith("minutes") else 1), low), high)
        return int(wanted) if kind == "integer" else wanted
    if kind == "boolean":
        return value if isinstance(value, bool) else False
    if kind == "null":
        return None
    text = value if isinstance(value, str) else example_text(name)
    return text[: int(as_number(schema.get("maxLength"), len(text)))]


def _fit_enum(choices: list[JSONValue], value: JSONValue) -> JSONValue:
    """Return the same choice, else the one with the same letters, else the first."""
    if value in choices:
        return value
    plain = _letters(value)
    return next((choice for choice in choices if plain and _letters(choice) == plain), choices[0] if choices else None)


def _letters(value: JSONValue) -> str:
    return re.sub(r"[^a-z]", "", str(value).lower()) if isinstance(value, str) else ""


def _choose_type(types: list[str], value: JSONValue) -> str:
    """Return the union type that matches the value (null stays null where allowed), else the first."""
    named = JSON_TYPE_NAMES.get(type(value), "")
    if named in types:
        return named
    if named == "integer" and "number" in types:
        return "number"
    return types[0] if types else "string"


def _choose_branch(branches: list[JSON], value: JSONValue, root: JSON) -> JSON:
    resolved = [_resolve_reference(branch, root) for branch in branches]
    return next((branch for branch in resolved if JSON_TYPE_NAMES.get(type(value)) in _types(branch)), resolved[0])


def _resolve_reference(schema: JSON, root: JSON) -> JSON:
    found: JSON = schema
    while reference := as_text(found.get("$ref")):
        found = root
        for step in reference.removeprefix("#").strip("/").split("/"):
            found = as_object(found.get(step)) if step else found
    return found


def example_text(name: str) -> str:
    """Return an example sentence for a text field that got no value."""
    return EXAMPLE_TEXTS.get(name) or (
        f"A simulated {name.replace('_', ' ').removesuffix('s')}." if name else "Simulated."
    )
