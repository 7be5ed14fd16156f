# Copyright (c) 2026, openvino.edge contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for AWX's REST API, as far as the modules of awx.awx ask it. It runs no job.

Objects, associations, surveys, roles and approval nodes are kept in memory. Secret inputs are
never given back, as in AWX; what AWX refuses of these (an unknown reference, a missing field, a
wrong survey, a token that is none) is refused.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from awx_tables import OWNERS, TABLES, UNIFIED

ROOT = "/api/v2/"
ENCRYPTED = "$encrypted$"
SURVEY_TYPES = {
    "text": str,
    "textarea": str,
    "password": str,
    "integer": int,
    "float": float,
    "multiplechoice": str,
    "multiselect": str,
}
Row = dict[str, Any]


class Refused(Exception):
    """A request that AWX answers with an error: status and body."""

    def __init__(self, status: int, body: Row) -> None:
        super().__init__(status, body)
        self.status, self.body = status, body


@dataclass
class Store:
    """All objects of one AWX.

    Attributes:
        rows: the objects of each table by id; ids are unique over all tables.
        links: associated ids, by the address of the association.
        surveys: by the id of their template.
        requests: method, path and body of each request that may change something.
    """

    rows: dict[str, dict[int, Row]] = field(default_factory=lambda: {name: {} for name in TABLES})
    links: dict[str, list[int]] = field(default_factory=dict)
    surveys: dict[int, Row] = field(default_factory=dict)
    requests: list[tuple[str, str, Any]] = field(default_factory=list)
    last_id: int = 0

    def new_id(self) -> int:
        """Return an id that no object has."""
        self.last_id += 1
        return self.last_id

    def named(self, table: str, name: str) -> Row:
        """Return the only object with a name, with its secrets; for tests."""
        (row,) = [
            row
            for row in self.rows[table].values()
            if name in (row.get("name"), row.get("identifier"))
        ]
        return row

    def linked(self, table: str, name: str, kind: str) -> list[str]:
        """Return the names of what is associated with an object; for tests."""
        ids = self.links.get(f"{table}/{self.named(table, name)['id']}/{kind}", [])
        every = {number: row for rows in self.rows.values() for number, row in rows.items()}
        return sorted(every[number].get("name") or every[number]["identifier"] for number in ids)

    def may(self, team: str) -> set[tuple[str, str]]:
        """Return what a team is on which object: role and name; for tests."""
        wanted = self.named("teams", team)["id"]
        return {
            (role, row["name"])
            for table, rows in self.rows.items()
            for row in rows.values()
            for role, number in row.get("roles", {}).items()
            if wanted in self.links.get(f"roles/{number}/teams", [])
        }

    def add(self, table: str, given: Row) -> Row:
        """Make an object.

        Raises:
            Refused: a field is missing, a reference leads nowhere, or the name is taken.
        """
        kind = TABLES[table]
        missing = [name for name in kind.required if given.get(name) in (None, "")]
        if missing:
            raise Refused(400, {name: ["This field is required."] for name in missing})
        row = {"id": self.new_id(), "description": "", **kind.defaults}
        row["roles"] = {f"{role}_role": self.new_id() for role in kind.roles}
        self._take(table, row, given)
        same = ("identifier", "workflow_job_template") if "identifier" in row else ("name",)
        keys = (*same, "organization", "inventory", "credential_type", "unified_job_template")
        found = [[other.get(key) for key in keys] for other in self.rows[table].values()]
        if [row.get(key) for key in keys] in found:
            raise Refused(400, {"__all__": [f"{kind.type} with this name already exists."]})
        self.rows[table][row["id"]] = row
        return row

    def _take(self, table: str, row: Row, given: Row) -> None:
        kind = TABLES[table]
        for name, tables in kind.refers.items():
            wanted = given.get(name)
            if wanted is not None and not any(wanted in self.rows[other] for other in tables):
                raise Refused(400, {name: [f'Invalid pk "{wanted}" - object does not exist.']})
        if table == "credentials":
            given = {**given, "inputs": self._inputs(row, given)}
        row.update(given)
        if table == "job_templates":  # as in AWX, it has the organization of its project
            row["organization"] = self.rows["projects"][row["project"]]["organization"]

    def _inputs(self, row: Row, given: Row) -> Row:
        """Return inputs in which what was sent as encrypted is what there was."""
        wanted = {**row, **given}
        kind = self.rows["credential_types"][wanted["credential_type"]]
        known, inputs = {item["id"] for item in kind["inputs"]["fields"]}, wanted["inputs"]
        if set(inputs) - known:
            raise Refused(400, {"inputs": [f"{sorted(set(inputs) - known)} are no fields."]})
        old = row["inputs"]
        return {k: old.get(k) if v == ENCRYPTED else v for k, v in inputs.items()}

    def patch(self, table: str, number: int, given: Row) -> Row:
        """Change fields of an object."""
        row = self.rows[table][number]
        self._take(table, row, given)
        return row

    def remove(self, table: str, number: int) -> None:
        """Remove an object and what belongs to it."""
        row = self.rows[table].pop(number)
        if row.get("unified_job_template") in self.rows["workflow_approval_templates"]:
            del self.rows["workflow_approval_templates"][row["unified_job_template"]]
        gone = {number, *row["roles"].values()}
        self.surveys.pop(number, None)
        self.links = {
            place: [other for other in ids if other not in gone]
            for place, ids in self.links.items()
            if int(place.split("/")[1]) not in gone
        }
        for other, rows in self.rows.items():
            for child in [child for child in rows.values() if child["id"] in rows]:
                fields = [
                    name
                    for name, tables in TABLES[other].refers.items()
                    if table in tables and child.get(name) == number
                ]
                if other == "schedules" and fields or set(fields) & set(OWNERS):
                    self.remove(other, child["id"])
                else:
                    child.update(dict.fromkeys(fields))

    def shown(self, table: str, row: Row) -> Row:
        """Return an object as the API gives it, without secrets."""
        kind = TABLES[table]
        url = f"{ROOT}{table}/{row['id']}/"
        answer = {name: value for name, value in row.items() if name != "roles"}
        answer |= {"type": kind.type, "url": url, "related": {}}
        roles = {name: {"id": number} for name, number in row["roles"].items()}
        answer["summary_fields"] = {"object_roles": roles}
        if kind.survey:
            answer["related"]["survey_spec"] = f"{url}survey_spec/"
        wanted = row.get("unified_job_template")
        if wanted is not None:
            other = next(name for name in UNIFIED if wanted in self.rows[name])
            answer["related"]["unified_job_template"] = f"{ROOT}{other}/{wanted}/"
        if table == "credentials":
            fields = self.rows["credential_types"][row["credential_type"]]["inputs"]["fields"]
            secret = {item["id"] for item in fields if item.get("secret")}
            inputs = row["inputs"].items()
            answer["inputs"] = {k: ENCRYPTED if k in secret and v else v for k, v in inputs}
        return answer

    def find(self, table: str, query: dict[str, str]) -> list[Row]:
        """Return the objects whose fields are as a query says."""
        tables = UNIFIED if table == "unified_job_templates" else (table,)
        return [
            self.shown(name, row)
            for name in tables
            for row in self.rows[name].values()
            if all(str(row.get(key)) == value for key, value in query.items())
        ]


def check_survey(spec: Row) -> None:
    """Refuse a survey that AWX refuses.

    Raises:
        Refused: a key is missing, a type is unknown, a default does not fit, or a variable is
            asked for twice.
    """
    problem = ""
    if not {"name", "description", "spec"} <= set(spec) or not spec["spec"]:
        raise Refused(400, {"error": "name, description and spec are needed"})
    for item in spec["spec"]:
        kind = SURVEY_TYPES.get(item.get("type", ""))
        if kind is None or not {"question_name", "variable", "required"} <= set(item):
            problem = f"not a question: {item}"
        elif not isinstance(item["required"], bool):
            problem = f"required is no boolean: {item}"
        elif item.get("default", "") != "" and not isinstance(item["default"], kind):
            problem = f"default of another type: {item}"
        elif "choice" in item["type"] and item.get("default", "") not in ["", *item["choices"]]:
            problem = f"default is no choice: {item}"
        elif not all(isinstance(item.get(key, 0), int) for key in ("min", "max")):
            problem = f"min or max is no number: {item}"
        if problem:
            raise Refused(400, {"error": problem})
    names = [item["variable"] for item in spec["spec"]]
    if len(set(names)) != len(names):
        raise Refused(400, {"error": f"a variable is asked for twice: {names}"})


class Handler(BaseHTTPRequestHandler):
    """One request."""

    store: Store
    token: str
    body: Any

    def do_GET(self) -> None:  # noqa: N802
        """Answer with objects."""
        self._answer(self._get)

    def do_POST(self) -> None:  # noqa: N802
        """Make an object, associate one, or set a survey."""
        self._answer(self._post)

    def do_PATCH(self) -> None:  # noqa: N802
        """Change an object."""
        self._answer(self._patch)

    def do_DELETE(self) -> None:  # noqa: N802
        """Remove an object."""
        self._answer(self._delete)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""

    def _answer(self, work: Callable[[list[str]], tuple[int, Any]]) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        text = self.rfile.read(length)
        self.body = json.loads(text) if text else None
        address = urlsplit(self.path)
        self.query = dict(parse_qsl(address.query))
        if self.command != "GET":
            self.store.requests.append((self.command, address.path, self.body))
        try:
            if self.headers.get("Authorization") != f"Bearer {self.token}":
                raise Refused(401, {"detail": "Authentication credentials were not provided."})
            if not address.path.startswith(ROOT) or not address.path.endswith("/"):
                raise Refused(404, {"detail": "Not found."})
            status, body = work(address.path[len(ROOT) : -1].split("/"))
        except Refused as error:
            status, body = error.status, error.body
        data = b"" if status == 204 else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.send_header("X-API-Product-Name", "AWX")
        self.send_header("X-API-Product-Version", "24.6.1")
        self.end_headers()
        self.wfile.write(data)

    def _row(self, parts: list[str]) -> tuple[str, int]:
        table, number = parts[0], int(parts[1])
        if number not in self.store.rows.get(table, {}):
            raise Refused(404, {"detail": "Not found."})
        return table, number

    def _link(self, parts: list[str]) -> str:
        """Return where an association is kept.

        Raises:
            Refused: such objects have none of this kind.
        """
        if parts[0] == "roles" and parts[2] == "teams":
            return "/".join(parts)
        table, _number = self._row(parts)
        if parts[2] not in TABLES[table].links:
            raise Refused(404, {"detail": "Not found."})
        return "/".join(parts)

    def _get(self, parts: list[str]) -> tuple[int, Any]:
        if len(parts) == 1:
            return self._page(self.store.find(parts[0], self.query))
        if len(parts) == 2:
            table, number = self._row(parts)
            return 200, self.store.shown(table, self.store.rows[table][number])
        if parts[2] == "survey_spec":
            return 200, self.store.surveys.get(int(parts[1]), {})
        ids = self.store.links.get(self._link(parts), [])
        return self._page([{"id": number} for number in ids])

    @staticmethod
    def _page(found: list[Row]) -> tuple[int, Any]:
        return 200, {"count": len(found), "next": None, "previous": None, "results": found}

    def _post(self, parts: list[str]) -> tuple[int, Any]:
        store = self.store
        if len(parts) == 1:
            return 201, store.shown(parts[0], store.add(parts[0], self.body))
        if parts[2] == "survey_spec":
            check_survey(self.body)
            store.surveys[int(parts[1])] = self.body
            return 200, {}
        if parts[2] == "create_approval_template":
            row = store.add("workflow_approval_templates", self.body)
            table, number = self._row(parts)
            store.patch(table, number, {"unified_job_template": row["id"]})
            return 201, store.shown("workflow_approval_templates", row)
        ids = store.links.setdefault(self._link(parts), [])
        if self.body.get("disassociate"):
            ids.remove(self.body["id"])
        else:
            ids.append(self.body["id"])
        return 204, None

    def _patch(self, parts: list[str]) -> tuple[int, Any]:
        table, number = self._row(parts)
        return 200, self.store.shown(table, self.store.patch(table, number, self.body))

    def _delete(self, parts: list[str]) -> tuple[int, Any]:
        if len(parts) == 3:
            self.store.surveys.pop(int(parts[1]), None)
            return 200, {}
        self.store.remove(*self._row(parts))
        return 204, None


@contextmanager
def serve(token: str) -> Iterator[tuple[str, Store]]:
    """Serve an empty stand-in on loopback; yields its address and what it keeps."""
    store = Store()
    handler = type("OneHandler", (Handler,), {"store": store, "token": token})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", store
    finally:
        server.shutdown()
        server.server_close()
