"""The user's configuration: typed, validated, and exact about what is wrong with it.

One YAML file. A mistake is reported with file, line, field, what was found and what was expected.
Anchors, aliases and tags are refused, and so is a file over 256 KiB: a configuration is data, and
alias bombs are not. Secrets never stand in it (`tingchao.secrets`).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from datetime import date, time
from difflib import get_close_matches
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal, Self, get_args
from zoneinfo import ZoneInfo, available_timezones

import yaml
from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    model_validator,
)
from yaml.constructor import ConstructorError

from tingchao.errors import ConfigurationError
from tingchao.formats import AUTO, MAPPED, named_formats, sources_of_format
from tingchao.mistakes import Location, Mistake, MistakesError
from tingchao.schedules import is_cron

MAX_BYTES = 256 * 1024
MAPS = ("columns", "counters", "handles")
NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,63}$"

Name = Annotated[str, Field(pattern=NAME_PATTERN)]


def _known_zone(name: str) -> str:
    if name not in available_timezones():
        raise ValueError(f"expected an IANA time zone such as Asia/Taipei, found {name!r}")
    return name


TimeZoneName = Annotated[str, AfterValidator(_known_zone)]


def _known_schedule(expression: str) -> str:
    if not is_cron(expression):
        raise ValueError(f"expected a cron expression such as '0 5 * * *', found {expression!r}")
    return expression


Schedule = Annotated[str, AfterValidator(_known_schedule)]


class _Model(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ClockKind(StrEnum):
    """`wall`: the machine's clock. `logical`: the end of the window asked for (replays)."""

    WALL = "wall"
    LOGICAL = "logical"


class Engine(StrEnum):
    """What builds the marts: one process (`duckdb`), or as many machines as there are (`spark`)."""

    DUCKDB = "duckdb"
    SPARK = "spark"


class Reporting(_Model):
    """How numbers are cut into days and who may not be singled out."""

    time_zone: TimeZoneName = "Asia/Taipei"
    suppress_below: Annotated[int, Field(ge=3)] = 5
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] = "TWD"


class Alias(_Model):
    """One way of writing a brand or a product, and when it does not mean it."""

    text: Annotated[str, Field(min_length=1, max_length=100)]
    require_context: tuple[str, ...] = ()
    deny: tuple[str, ...] = ()
    blockers: tuple[str, ...] = ()


def _accept_plain_aliases(data: Any) -> Any:
    if isinstance(data, dict) and isinstance(data.get("aliases"), list):
        aliases = [{"text": a} if isinstance(a, str) else a for a in data["aliases"]]
        return {**data, "aliases": aliases}
    return data


class Product(_Model):
    """What a brand sells under a name of its own; whoever names it speaks of the brand."""

    id: Name
    name: Annotated[str, Field(min_length=1)]
    aliases: tuple[Alias, ...] = ()

    _plain_aliases = model_validator(mode="before")(_accept_plain_aliases)


class Brand(_Model):
    """A brand that is listened for; `is_own` tells the user's from a competitor's."""

    id: Name
    name: Annotated[str, Field(min_length=1)]
    name_en: str | None = None
    is_own: bool = False
    aliases: tuple[Alias, ...] = ()
    competitors: tuple[Name, ...] = ()
    products: tuple[Product, ...] = ()

    _plain_aliases = model_validator(mode="before")(_accept_plain_aliases)


class Topic(_Model):
    """A subject that is listened for beside brands, e.g. price or service."""

    id: Name
    name: str
    aliases: tuple[str, ...]


class ChannelRole(StrEnum):
    """What a channel is for."""

    REACH = "reach"
    DEPTH = "depth"
    RELATIONSHIP = "relationship"


class Channel(_Model):
    """One place that is listened to: a board, a feed, a page, an exported account."""

    id: Name
    source: Name
    address: Annotated[str, Field(min_length=1, description="board, feed URL, page id")]
    name: str | None = None
    brand: Name | None = None
    role: ChannelRole = ChannelRole.REACH
    since: date | None = None
    time_zone: TimeZoneName | None = None
    official_accounts: tuple[str, ...] = ()
    author_identity: bool | None = Field(
        default=None, description="overrides the source's capability for this channel"
    )
    options: dict[str, str | int | float | bool] = Field(default_factory=dict)

    @property
    def title(self) -> str:
        return self.name or self.id


class SourceOverride(_Model):
    """What this installation does differently from scrapers/sources/<name>.yml."""

    base_url: str | None = None
    allow_hosts: tuple[str, ...] = Field(
        default=(), description="host:port exempt from the public-address rule; tests and the town"
    )
    download_delay: Annotated[float, Field(ge=0)] | None = None
    schedule: Schedule | None = None
    max_pages: Annotated[int, Field(ge=1)] | None = None
    max_seconds: Annotated[int, Field(ge=1)] | None = None
    max_bytes: Annotated[int, Field(ge=1)] | None = None
    units_per_day: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="quota that your own key has, when it is not the usual one"
    )


def _known_format(name: str) -> str:
    known = (*MAPPED, AUTO, *named_formats())
    if name not in known:
        raise ValueError(f"expected one of {', '.join(known)}, found {name!r}")
    return name


class Import(_Model):
    """Files that a team already has, and how their columns are called here.

    A named format (`tingchao.formats`) knows its tables, sources and columns itself.
    """

    id: Name
    table: (
        Literal["posts", "reactions", "channels", "authors", "visits", "orders", "members", "spend"]
        | None
    ) = None
    source: Name | None = Field(default=None, description="in place of what a named format says")
    format: Annotated[str, AfterValidator(_known_format)]
    path: Annotated[str, Field(min_length=1, description="file or glob, relative to this file")]
    channel: Name | None = Field(default=None, description="for every row, unless a column says it")
    columns: dict[str, str] = Field(default_factory=dict, description="our column: the file's")
    constants: dict[str, str] = Field(default_factory=dict, description="our column: fixed value")
    counters: dict[str, str] = Field(default_factory=dict, description="counter: the file's column")
    handles: dict[str, str] = Field(
        default_factory=dict, description="members: source of the handle: the file's column"
    )
    time_zone: TimeZoneName = "Asia/Taipei"
    time_formats: tuple[str, ...] = Field(default=(), description="strptime; ISO 8601 when empty")
    missing_ids: tuple[str, ...] = Field(
        default=(), description="what stands for no id, beside an empty cell: NULL, -, guest"
    )
    line_items: bool = Field(
        default=False, description="orders: a row is a line item, the amounts of an order add up"
    )
    counter_cap: int | None = Field(default=None, description="a counter of this value is at-least")
    encoding: str | None = Field(default=None, description="detected when absent")
    schedule: Schedule | None = None

    @model_validator(mode="after")
    def _says_what_its_format_needs(self) -> Self:
        if self.is_named:
            given = [name for name in ("table", *MAPS) if getattr(self, name)]
            if given:
                raise ValueError(f"format {self.format} knows its columns; leave out {given}")
        elif missing := [n for n in ("table", "source", "columns") if not getattr(self, n)]:
            raise ValueError(f"format {self.format} needs {', '.join(missing)}")
        return self

    @property
    def is_named(self) -> bool:
        """Whether the format knows by itself what its columns mean."""
        return self.format not in MAPPED

    @property
    def sources(self) -> tuple[str, ...]:
        """The sources that files of this import can land."""
        return (self.source,) if self.source else sources_of_format(self.format)

    @property
    def brings(self) -> str:
        """What it brings, in words."""
        return self.table or self.format


class Inbox(_Model):
    """A folder or object prefix into which files are put; each is recognised by what is in it."""

    path: Annotated[str, Field(min_length=1, description="folder or URI, relative to this file")]
    schedule: Schedule = Field(default="*/15 * * * *", description="cron; how often Airflow looks")


class UtmRule(_Model):
    """Which channel a visit came from; the first rule that fits wins."""

    channel: Name
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    referrer_host: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.utm_source or self.utm_medium or self.utm_campaign or self.referrer_host):
            raise ValueError(
                "expected at least one of utm_source, utm_medium, utm_campaign, "
                "referrer_host; found none"
            )
        return self


class Attribution(_Model):
    """How orders find the channel that earned them."""

    lookback_days: Annotated[int, Field(ge=1, le=365)] = 30
    rules: tuple[UtmRule, ...] = ()


class Quality(_Model):
    """When a gate stops the run."""

    max_row_drop: Annotated[float, Field(gt=0, le=1)] = 0.2
    max_quarantine_share: Annotated[float, Field(ge=0, le=1)] = 0.05
    max_noise_jump: Annotated[float, Field(gt=0, le=1)] = 0.1
    max_unknown_mood_share: Annotated[float, Field(gt=0, le=1)] = 0.95
    max_wordless_share: Annotated[float, Field(gt=0, le=1)] = 0.3
    min_same_share: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.95, description="of texts that must say the same in either script"
    )
    stop_on_empty_file: bool = Field(
        default=False, description="a file without rows, of an import that had some, stops too"
    )


class Copies(_Model):
    """From when on posts that say the same are copies; the first of them counts all the same."""

    posts: Annotated[int, Field(ge=2, description="that say it")]
    letters: Annotated[int, Field(ge=8, description="letters and digits of own words")] = 30


Score = Annotated[float, Field(gt=0, le=1)]


class Noise(_Model):
    """What is noise and no voice: of each rule the least score that counts, null for never.

    docs/text.md says what the rules look at, docs/decisions/0012 why these scores.
    """

    repost: Score | None = 0.9
    advertising: Score | None = 0.9
    contact_spam: Score | None = 0.9
    giveaway_entry: Score | None = 0.7
    giveaway: Score | None = 0.9
    bot: Score | None = 0.7
    repeated_characters: Score | None = None
    jammer_text: Score | None = None
    copies: Copies | None = Copies(posts=3)
    near_copies: Copies | None = Copies(posts=20)


class Publish(_Model):
    """How much of what was published is kept."""

    keep_versions: Annotated[int, Field(ge=1)] = 5


class ServiceHours(_Model):
    """When somebody is there to answer."""

    opens: time = time(9)
    closes: time = time(18)
    weekdays: tuple[Annotated[int, Field(ge=1, le=7)], ...] = (1, 2, 3, 4, 5)
    holidays: tuple[date, ...] = ()


class Objective(_Model):
    """One objective in the POST sense: people, objective, strategy, technology, and its KPI."""

    id: Name
    people: str
    objective: str
    strategy: str
    technology: str
    kpi: str


def _repeated(where: Location, entries: Sequence[Any], name: str) -> Iterator[Mistake]:
    ids = [entry.id for entry in entries]
    for index, one in enumerate(ids):
        if one in ids[:index]:
            message = f"expected every id once, found {one!r} more than once"
            yield Mistake((*where, index, "id"), message, name=name)


class Config(_Model):
    """Everything that a user writes."""

    version: Literal[1]
    data_dir: str = "data"
    lake_uri: str | None = Field(default=None, description="local path or pyarrow.fs URI")
    clock: ClockKind = ClockKind.WALL
    engine: Engine = Field(default=Engine.DUCKDB, description="docs/scale.md says when and how")
    reporting: Reporting = Reporting()
    brands: tuple[Brand, ...] = ()
    topics: tuple[Topic, ...] = ()
    channels: tuple[Channel, ...]
    sources: dict[Name, SourceOverride] = Field(default_factory=dict)
    imports: tuple[Import, ...] = ()
    inbox: Inbox | None = None
    attribution: Attribution = Attribution()
    quality: Quality = Quality()
    noise: Noise = Noise()
    publish: Publish = Publish()
    service_hours: ServiceHours = ServiceHours()
    objectives: tuple[Objective, ...] = ()
    schedule: Schedule = Field(default="0 5 * * *", description="cron, in the reporting time zone")
    start_date: date = date(2026, 1, 1)
    path: Path = Field(default=Path("config.yml"), exclude=True)
    digest: str = Field(default="", exclude=True)
    _tree: yaml.Node | None = PrivateAttr(default=None)

    @model_validator(mode="after")
    def _names_agree(self) -> Self:
        mistakes = [*self._repeated_ids(), *self._unknown_names()]
        if mistakes:
            raise MistakesError(mistakes)
        return self

    def _repeated_ids(self) -> Iterator[Mistake]:
        for what in ("brands", "channels", "imports"):
            yield from _repeated((what,), getattr(self, what), what)
        for i, brand in enumerate(self.brands):
            yield from _repeated(("brands", i, "products"), brand.products, "products")

    def _unknown_names(self) -> Iterator[Mistake]:
        known = {
            "brand": sorted(brand.id for brand in self.brands),
            "channel": sorted(channel.id for channel in self.channels),
        }
        for location, field, kind, name in self._references():
            if name is not None and name not in known[kind]:
                yield Mistake(location, f"expected one of {known[kind]}, found {name!r}", field)

    def _references(self) -> Iterator[tuple[Location, str, str, str | None]]:
        """Yield where a name stands, the field as people call it, what it names, and the name."""
        for i, channel in enumerate(self.channels):
            yield ("channels", i, "brand"), f"channels.{channel.id}.brand", "brand", channel.brand
        for i, brand in enumerate(self.brands):
            for j, other in enumerate(brand.competitors):
                where: Location = ("brands", i, "competitors", j)
                yield where, f"brands.{brand.id}.competitors", "brand", other
        for i, spec in enumerate(self.imports):
            field = f"imports.{spec.id}"
            yield ("imports", i, "channel"), f"{field}.channel", "channel", spec.channel
            for kind in ("brand", "channel"):
                where = ("imports", i, "constants", f"{kind}_id")
                constant = spec.constants.get(f"{kind}_id")
                yield where, f"{field}.constants.{kind}_id", kind, constant
        for i, rule in enumerate(self.attribution.rules):
            field = f"attribution.rules.{i}.channel"
            yield ("attribution", "rules", i, "channel"), field, "channel", rule.channel

    def tell(self, mistake: Mistake) -> str:
        """Say what is wrong with the file this was read from, with the line where it stands."""
        return mistake.told(self.path, self._tree)

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.reporting.time_zone)

    @property
    def home(self) -> Path:
        """The folder of the configuration file; relative paths in it start there."""
        return self.path.parent

    @property
    def data(self) -> Path:
        return (self.home / self.data_dir).resolve()

    @property
    def landing_uri(self) -> str:
        return self.lake_uri or str(self.data / "landing")

    def channel(self, channel_id: str) -> Channel:
        """Return a channel by id; `ConfigurationError` names the ones there are."""
        for channel in self.channels:
            if channel.id == channel_id:
                return channel
        known = ", ".join(c.id for c in self.channels) or "none"
        raise ConfigurationError(
            f"{self.path}: no channel {channel_id!r} under `channels`; configured: {known}"
        )

    @property
    def imported_sources(self) -> frozenset[str]:
        """The sources that imports and the inbox can land."""
        return self.inbox_sources.union(*(spec.sources for spec in self.imports))

    @property
    def inbox_sources(self) -> frozenset[str]:
        """The sources that files in the inbox can land."""
        return frozenset(sources_of_format(AUTO)) if self.inbox else frozenset()

    def channels_of(self, source: str) -> tuple[Channel, ...]:
        return tuple(c for c in self.channels if c.source == source)


def load_config(path: Path) -> Config:
    """Read and validate a configuration file; `ConfigurationError` lists everything wrong."""
    text = _read(path)
    tree, data = _parse(path, text)
    if not isinstance(data, dict):
        raise ConfigurationError(f"{path}:1: expected a mapping at the top, found {data!r:.80}")
    digest = hashlib.sha256(text.encode()).hexdigest()
    try:
        config = Config.model_validate({**data, "path": path.resolve(), "digest": digest})
    except ValidationError as error:
        raise ConfigurationError(_explain(path, tree, error)) from None
    config._tree = tree
    return config


def _read(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise ConfigurationError(
            f"{path}: cannot read the configuration ({error.strerror}); "
            "give --config FILE or set TINGCHAO_CONFIG; config/example.yml is one to start from"
        ) from None
    if len(raw) > MAX_BYTES:
        raise ConfigurationError(f"{path}: {len(raw):,} bytes; expected at most {MAX_BYTES:,}")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise ConfigurationError(
            f"{path}: expected UTF-8, found another encoding ({error.reason} at byte "
            f"{error.start:,}); save the file as UTF-8"
        ) from None


class _Loader(yaml.SafeLoader):
    """YAML that says where a key stands twice (the last would win) and where a day is none."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        lines: dict[str, int] = {}
        for key, _ in node.value:
            name = str(key.value)
            if name in lines:
                found = f"expected {name!r} once, found it in line {lines[name]} already"
                raise ConstructorError(problem=found, problem_mark=key.start_mark)
            lines[name] = key.start_mark.line + 1
        return super().construct_mapping(node, deep=deep)

    def construct_day(self, node: yaml.ScalarNode) -> Any:
        try:
            return self.construct_yaml_timestamp(node)
        except ValueError as error:
            found = f"expected a day such as 2026-10-01, found {node.value!r} ({error})"
            raise ConstructorError(problem=found, problem_mark=node.start_mark) from None


_Loader.add_constructor("tag:yaml.org,2002:timestamp", _Loader.construct_day)


def _parse(path: Path, text: str) -> tuple[yaml.Node | None, Any]:
    """Return the tree, for line numbers, and the plain data."""
    try:
        for event in yaml.parse(text, Loader=yaml.SafeLoader):
            anchor = getattr(event, "anchor", None)
            if anchor and event.start_mark:
                raise ConfigurationError(
                    f"{path}:{event.start_mark.line + 1}: anchors and aliases are not allowed, "
                    f"found {anchor!r}; write the value out"
                )
        tree = yaml.compose(text, Loader=yaml.SafeLoader)
        return tree, yaml.load(text, Loader=_Loader)  # noqa: S506 (a safe one)
    except ConstructorError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigurationError(f"{path}:{line}: not valid YAML: {error.problem}") from None
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path}: not valid YAML: {error}") from None


def _explain(path: Path, tree: yaml.Node | None, error: ValidationError) -> str:
    told = (mistake for problem in error.errors(include_url=False) for mistake in _of(problem))
    return "\n".join(mistake.told(path, tree) for mistake in told)


def _of(problem: Any) -> Iterator[Mistake]:
    """Yield what pydantic, or a validator of ours, found wrong."""
    reason = problem.get("ctx", {}).get("error")
    if isinstance(reason, MistakesError):
        yield from reason.mistakes
        return
    location = tuple(problem["loc"])
    yield Mistake(location, _said(problem) if location else _reason(problem))


def _reason(problem: Any) -> str:
    return re.sub(r"^Value error, ", "", problem["msg"])


def _said(problem: Any) -> str:
    """Say what is wrong; the value of a field that does not exist may be a secret, and is not."""
    kind, found = problem["type"], problem.get("input")
    if kind == "extra_forbidden":
        return f"there is no such field{_meant(problem['loc'])}"
    if kind == "string_type" and isinstance(found, int | float | date):
        return f"expected text, found {found!r:.80}; write it in quotes"
    reason = _reason(problem)
    if isinstance(found, dict | list) or repr(found) in reason:
        return reason
    return f"{reason}; found {found!r:.80}"


def _meant(location: Sequence[int | str]) -> str:
    """The field of the same place that is written most alike, or all there are."""
    model: type[_Model] = Config
    for part in location[:-1]:  # indices and the keys of maps lead no deeper
        field = model.model_fields.get(str(part))
        model = (_model_in(field.annotation) if field else None) or model
    known = [name for name in model.model_fields if name not in ("path", "digest")]
    alike = get_close_matches(str(location[-1]), known, n=1)
    return f"; did you mean {alike[0]}?" if alike else f"; expected one of {', '.join(known)}"


def _model_in(annotation: Any) -> type[_Model] | None:
    if isinstance(annotation, type) and issubclass(annotation, _Model):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model_in(arg))), None)
