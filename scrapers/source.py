"""What is known of a source and how we behave there: `scrapers/sources/<name>.yml`, validated.

A source that does not say on what terms it may be read refuses to run.
"""

from __future__ import annotations

import re
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from scrapers.errors import SourceError

FOLDER = Path(__file__).parent / "sources"


def is_variable(name: str) -> bool:
    """Whether a name is one for a platform's secret; the pseudonym key is none, it goes nowhere."""
    is_key = name.startswith("TINGCHAO_PSEUDONYM")
    return re.fullmatch(r"TINGCHAO_[A-Z0-9_]{2,80}", name) is not None and not is_key


def _require_variable(name: str) -> str:
    if not is_variable(name):
        raise ValueError(f"expected a variable TINGCHAO_…, no pseudonym key; found {name!r:.60}")
    return name


Variable = Annotated[str, AfterValidator(_require_variable)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Title(_Model):
    """A name in the two languages of the project."""

    zh: Annotated[str, Field(min_length=1)]
    en: Annotated[str, Field(min_length=1)]


class Terms(_Model):
    """On what terms the source may be read, and when somebody last looked."""

    url: Annotated[str, Field(pattern=r"^https?://|^per-channel$")]
    checked_on: date | None = Field(description="null: nobody read them yet; nothing is crawled")
    basis: Annotated[str, Field(min_length=20)]


class Robots(_Model):
    """What robots.txt was found to say; the crawl fetches and obeys the present one every time."""

    checked_on: date
    says: Annotated[str, Field(min_length=5)]
    applies: bool = Field(
        default=True, description="false: no crawl but an interface that is used with a key"
    )


class AuthKind(StrEnum):
    """Where a platform wants the secret."""

    BEARER = "bearer"
    HEADER = "header"
    QUERY = "query"  # only where no header works: addresses are written down in many places
    BASIC = "basic"  # the variable holds name:password


class Auth(_Model):
    """How a request says who asks; the secret itself stands in the environment and nowhere else.

    A channel may name another variable: `options: {token_variable: TINGCHAO_…}`.
    """

    kind: AuthKind
    variable: Variable
    name: str = Field(default="Authorization", description="of the header or parameter")
    prefix: str = Field(default="", description="before the secret in a header")
    more_variables: dict[str, Variable] = Field(
        default_factory=dict, description="further secrets that the spider asks for by name"
    )
    is_optional: bool = False
    obtain: Annotated[str, Field(min_length=20, description="what a person does to get one")]


class Quota(_Model):
    """What a platform grants a day; each request costs units."""

    units_per_day: Annotated[int, Field(ge=1)]
    resets: Annotated[str, Field(description="time zone in which its day ends at midnight")]


class Politeness(_Model):
    """How hard we may knock; seconds unless named otherwise."""

    download_delay: Annotated[float, Field(ge=0)]
    jitter: Annotated[float, Field(ge=0, le=1)] = 0.3
    timeout: Annotated[float, Field(gt=0, le=60)] = 20
    retries: Annotated[int, Field(ge=0, le=10)] = 3
    backoff: Annotated[float, Field(ge=0)] = 5
    backoff_cap: Annotated[float, Field(gt=0, le=600)] = 120
    breaker: Annotated[int, Field(ge=1)] = 5


class Limits(_Model):
    """Where a crawl stops by itself: pages and bytes of one channel, seconds of the whole crawl."""

    max_pages: Annotated[int, Field(ge=1)]
    max_seconds: Annotated[int, Field(ge=1)]
    max_bytes: Annotated[int, Field(ge=1)]
    max_memory_mb: Annotated[int, Field(ge=128)] = 512


class Capabilities(_Model):
    """What the source lets anybody see; where it does not, a number is unknown, not zero.

    None: nobody looked yet, so it is unknown whether it does.
    """

    author_identity: bool = Field(description="the same person has the same id every time")
    fan_count: bool = Field(description="how many follow")
    reaction_actors: bool = Field(description="who reacted, not only how many")
    texts: bool | None = Field(default=True, description="what people write")
    replies: bool | None = Field(default=None, description="what answers what, to the second or so")
    reaction_counts: bool | None = Field(default=None, description="how many reacted to a post")
    view_counts: bool | None = Field(default=None, description="how many saw a post")
    visits: bool | None = False
    orders: bool | None = False
    spend: bool | None = False

    @property
    def is_community(self) -> bool:
        """Whether anybody speaks or gathers there: a shop that says nothing is not silent."""
        return self.texts is not False or self.fan_count


class Source(_Model):
    """Everything about a source that is not code."""

    name: str
    title: Title
    terms: Terms
    robots: Robots
    base_url: str | None
    channel_path: str | None = Field(default=None, description="path of a channel, {address} in it")
    address_pattern: str = r"^\S+$"
    permalink_base: str | None = None
    time_zone: str
    politeness: Politeness
    limits: Limits
    schedule: str
    history_days: Annotated[int, Field(ge=1)]
    revisit_days: Annotated[int, Field(ge=0)] = 0
    refresh_days: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="everything kept is asked for again within so many days"
    )
    auth: Auth | None = None
    quota: Quota | None = None
    capabilities: Capabilities
    counters: dict[str, Title] = Field(default_factory=dict)
    ignored_keys: dict[str, str] = Field(default_factory=dict)


def load_source(name: str, folder: Path = FOLDER) -> Source:
    """Read the description of a source; `SourceError` names the file, field and what to write."""
    path = folder / f"{name}.yml"
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SourceError(
            f"source {name!r}: no {path.name} beside {', '.join(source_names(folder)) or 'nothing'}"
            "; docs/add-a-source.md tells how to write one"
        ) from None
    except yaml.YAMLError as error:
        raise SourceError(f"{path.name}: not valid YAML: {error}") from None
    try:
        return Source.model_validate({**data, "name": name})
    except (ValidationError, TypeError) as error:
        raise SourceError(_explain(path.name, error)) from None


def source_names(folder: Path = FOLDER) -> list[str]:
    """List the sources that can be crawled, by name."""
    return sorted(path.stem for path in folder.glob("*.yml"))


def _explain(name: str, error: ValidationError | TypeError) -> str:
    if not isinstance(error, ValidationError):
        return f"{name}: expected a mapping at the top"
    problems = [
        f"{name}: {'.'.join(map(str, p['loc']))}: {p['msg']}"
        for p in error.errors(include_url=False)
    ]
    if any(p["loc"][:1] == ("terms",) for p in error.errors()):
        problems.append(
            f"{name}: a source without terms does not run; read them, then write terms.url, "
            "terms.checked_on and terms.basis"
        )
    return "\n".join(problems)
