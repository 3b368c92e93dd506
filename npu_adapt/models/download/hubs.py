"""Which hub has the model: one after the other is asked, and what each says is kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TypeVar

from npu_adapt.errors import Attempt, HubsUnreachable, ModelError, ModelNotFound, Sentence
from npu_adapt.models.download.model import wanted_files
from npu_adapt.models.hubs import hubs_to_ask
from npu_adapt.models.hubs.connection import listing_seconds
from npu_adapt.models.hubs.hub import (
    Hub,
    HubUnreachable,
    Interrupted,
    Listing,
    ListingFailed,
    ModelMissing,
    RemoteFile,
)
from npu_adapt.models.hubs.retrying import RetryBudget
from npu_adapt.models.request import ModelRequest

Found = tuple[Hub, Listing, tuple[RemoteFile, ...]]
Answered = TypeVar("Answered")


def find_on_hubs(request: ModelRequest, say: Callable[[str], None], attempts: list[Attempt]) -> Found:
    """The first hub that has the model whole, its listing, and the files that are needed; `attempts` gets each hub.

    Raises `ModelNotFound` where none knows it, `HubsUnreachable` where none answers, else `ModelError` with the hint of
    the most telling answer.
    """
    failures: list[ListingFailed] = []
    for hub in hubs_to_ask(request.source):
        try:
            listing = ask(partial(hub.listing, request.model, request.revision, whole=bool(request.include)), say)
            files = ask(partial(wanted_files, listing, request), say)
        except ListingFailed as error:
            failures.append(error)
            attempts.append(Attempt(hub.title, error.id, error.message, error.values))
        else:
            attempts.append(Attempt(hub.title, "found", "found", {"endpoint": listing.endpoint}))
            return hub, listing, files
    raise _combined(failures, tuple(attempts))


def ask(question: Callable[[], Answered], say: Callable[[str], None]) -> Answered:
    """The answer to a question to a hub, asked again where that may help. Raises `ListingFailed`."""
    retry_budget = RetryBudget(say, seconds=listing_seconds())
    while True:
        try:
            return question()
        except Interrupted as interrupted:
            try:
                retry_budget.wait(interrupted)
            except Interrupted as error:
                raise HubUnreachable(
                    error.id,
                    error.message,
                    hint="check the network, the proxy and the endpoint; --offline uses what is on this disk",
                    values=error.values,
                ) from error


def _combined(failures: list[ListingFailed], attempts: tuple[Attempt, ...]) -> ModelError:
    """One error of all hubs' answers; the first that says more than "there is none" gives the hint."""
    telling = [failure for failure in failures if not isinstance(failure, ModelMissing)]
    chosen = (telling or failures)[0]
    unreachable = all(isinstance(failure, HubUnreachable) for failure in failures)
    kind = HubsUnreachable if unreachable else ModelError if telling else ModelNotFound
    return kind(Sentence.joined("; ", (failure.message for failure in failures)), hint=chosen.hint, attempts=attempts)
