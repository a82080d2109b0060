"""The endpoints of whoever asks, their organisation, its users, and their own tokens."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, TypeVar

from aiohttp import web

from metrica.dashboard.ingest.api import DATABASE, Route, answer
from metrica.dashboard.ingest.asking import ASKER
from metrica.dashboard.ingest.bodies import json_body
from metrica.dashboard.ingest.body import RequestError
from metrica.dashboard.ingest.schemas import people as out
from metrica.dashboard.people.api_tokens import ApiToken, ApiTokenTable
from metrica.dashboard.people.asker import Asker
from metrica.dashboard.people.errors import ForbiddenError
from metrica.dashboard.people.members import Member, MemberTable, checked_name
from metrica.dashboard.people.organisations import OrganisationTable
from metrica.dashboard.people.rights import PEOPLE, Right, role_of, scope_of
from metrica.dashboard.service.errors import BusyError
from metrica.dashboard.service.passwords import hashed

T = TypeVar("T")


async def get_me(request: web.Request) -> web.Response:
    """Answer with who asks."""
    asker = request[ASKER]
    stores = None if asker.stores is None else sorted(asker.stores)
    rights = [right.value for right in Right if right in asker.rights]
    me = {"name": asker.name, "organisation": asker.organisation, "role": asker.role.value, "rights": rights}
    return answer(out.Me.model_validate(me | {"stores": stores}))


async def get_organisation(request: web.Request) -> web.Response:
    """Answer with the organisation of whoever asks."""
    return answer(await _organisation(request))


async def put_organisation(request: web.Request) -> web.Response:
    """Change the name of the organisation."""
    change, asker = await json_body(request, out.OrganisationChange), request[ASKER]
    table = OrganisationTable(request.app[DATABASE])
    await _done(lambda: table.rename(asker.organisation, change.name, **_by(request)))
    return answer(await _organisation(request))


async def get_users(request: web.Request) -> web.Response:
    """Answer with the users of the organisation."""
    members = await asyncio.to_thread(_members(request).all, request[ASKER].organisation)
    return answer(out.Users(users=[_user(member) for member in members]))


async def post_user(request: web.Request) -> web.Response:
    """Add a user to the organisation."""
    new, organisation, members = await json_body(request, out.NewUser), request[ASKER].organisation, _members(request)

    def add() -> Member:
        checked_name(new.name, organisation)
        return members.add(organisation, new.name, hashed(new.password), role_of(new.role), new.stores, **_by(request))

    return answer(_user(await _done(add)))


async def put_user(request: web.Request) -> web.Response:
    """Change role, stores or password of a user; an open page of the user shows it at once."""
    change, organisation, members = (
        await json_body(request, out.UserChange),
        request[ASKER].organisation,
        _members(request),
    )
    name, given = request.match_info["name"], change.model_fields_set

    def put() -> Member:
        member = members.get(organisation, name)
        password = hashed(change.password) if change.password is not None else None
        role = role_of(change.role) if change.role is not None else member.role
        stores = change.stores if "stores" in given else member.stores
        if "stores" not in given and role is not member.role and role.value == "owner":
            stores = None
        member = members.change(organisation, name, role, stores, **_by(request))
        if password is not None:
            members.set_password(organisation, name, password, **_by(request))
        return member

    return answer(_user(await _done(put)))


async def delete_user(request: web.Request) -> web.Response:
    """Remove a user, with sessions and tokens."""
    name = request.match_info["name"]
    await _done(lambda: _members(request).remove(request[ASKER].organisation, name, **_by(request)))
    return answer(out.Removed(removed=name))


async def get_tokens(request: web.Request) -> web.Response:
    """Answer with the tokens of whoever asks; with the right to people, of all users of the organisation."""
    asker, database = _user_only(request), request.app[DATABASE]
    tokens = await asyncio.to_thread(ApiTokenTable(database).of_asker, asker)
    return answer(out.ApiTokens(tokens=[_token(token, database.clock()) for token in tokens]))


async def post_token(request: web.Request) -> web.Response:
    """Make a token for whoever asks, with no more than what theirs has."""
    asker, database = _user_only(request), request.app[DATABASE]
    new = await json_body(request, out.NewApiToken)
    scopes, by = [scope_of(scope) for scope in new.scopes], _by(request)
    table = ApiTokenTable(database)
    token, known = await _done(
        lambda: table.create(asker.name, scopes, label=new.label, days=new.days, maker=asker, **by)
    )
    return answer(out.MadeApiToken(token=token, info=_token(known, database.clock())))


async def delete_token(request: web.Request) -> web.Response:
    """Revoke a token, and those that were made with it."""
    asker, database = _user_only(request), request.app[DATABASE]

    def revoke() -> ApiToken:
        names = [asker.name]
        if PEOPLE in asker.rights:
            names = [member.name for member in _members(request).all(asker.organisation)]
        return ApiTokenTable(database).revoke(names, request.match_info["key"], **_by(request))

    return answer(out.Removed(removed=(await _done(revoke)).key))


def _user_only(request: web.Request) -> Asker:
    asker = request[ASKER]
    if asker.is_box:
        raise ForbiddenError("a box has no tokens of its own: use a user's token")
    return asker


def _members(request: web.Request) -> MemberTable:
    return MemberTable(request.app[DATABASE])


def _by(request: web.Request) -> dict[str, Any]:
    """Return who does it and from where, for the audit log."""
    return {"actor": request[ASKER].name, "address": request.remote or ""}


async def _done(work: Callable[[], T]) -> T:
    """Do what somebody asked for in a thread. Raises RequestError 400 for what cannot be, 503 if too much is done."""
    try:
        return await asyncio.to_thread(work)
    except ValueError as error:
        raise RequestError(400, str(error)) from None
    except BusyError as error:
        raise RequestError(503, str(error)) from None


async def _organisation(request: web.Request) -> out.OrganisationInfo:
    organisation = request[ASKER].organisation
    found = await asyncio.to_thread(OrganisationTable(request.app[DATABASE]).get, organisation)
    return out.OrganisationInfo(id=organisation, name=found.name if found else "")


def _user(member: Member) -> out.UserInfo:
    stores = None if member.stores is None else list(member.stores)
    user = {"name": member.name, "role": member.role.value, "stores": stores, "created": _time(member.created)}
    return out.UserInfo.model_validate(user)


def _token(token: ApiToken, now: int) -> out.ApiTokenInfo:
    return out.ApiTokenInfo.model_validate(
        {
            "key": token.key,
            "user": token.user,
            "label": token.label,
            "scopes": [scope.value for scope in token.scopes],
            "created": _time(token.created),
            "expires": _time(token.expires),
            "revoked": None if token.revoked is None else _time(token.revoked),
            "valid": token.is_valid(now),
        }
    )


def _time(moment: int) -> datetime:
    return datetime.fromtimestamp(moment // 10**9, UTC)


_BODY = (400, 408, 413, 415)

ROUTES: tuple[Route, ...] = (
    Route("GET", "/v1/me", get_me, "Who asks: role, rights and stores", out.Me, "any"),
    Route("GET", "/v1/organisation", get_organisation, "The organisation of whoever asks", out.OrganisationInfo, "any"),
    Route(
        "PUT",
        "/v1/organisation",
        put_organisation,
        "Change the organisation's name",
        out.OrganisationInfo,
        PEOPLE,
        takes=out.OrganisationChange,
        errors=_BODY,
    ),
    Route("GET", "/v1/users", get_users, "The users of the organisation", out.Users, PEOPLE),
    Route("POST", "/v1/users", post_user, "Add a user", out.UserInfo, PEOPLE, takes=out.NewUser, errors=(*_BODY, 404)),
    Route(
        "PUT",
        "/v1/users/{name}",
        put_user,
        "Change role, stores or password of a user; what is left out stays",
        out.UserInfo,
        PEOPLE,
        takes=out.UserChange,
        errors=_BODY,
    ),
    Route("DELETE", "/v1/users/{name}", delete_user, "Remove a user", out.Removed, PEOPLE, errors=(400,)),
    Route("GET", "/v1/tokens", get_tokens, "The tokens of whoever asks", out.ApiTokens, "any"),
    Route(
        "POST",
        "/v1/tokens",
        post_token,
        "Make a token, shown this once",
        out.MadeApiToken,
        "any",
        takes=out.NewApiToken,
        errors=(*_BODY, 404),
    ),
    Route("DELETE", "/v1/tokens/{key}", delete_token, "Revoke a token", out.Removed, "any"),
)
