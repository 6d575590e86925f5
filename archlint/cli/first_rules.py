"""What ``archlint init`` does with the models that it discovered: infers each, writes each."""

from __future__ import annotations

import json
import os
import re
import shlex
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import click

from archlint.cli.exit_codes import CannotRun
from archlint.cli.model_argument import with_whole_path
from archlint.errors import NEEDS_TORCH

if TYPE_CHECKING:
    from archlint.contracts.contract import ModelRef, RuleFile
    from archlint.contracts.job import Job
    from archlint.project.discover.candidates import DiscoveredModel, Discovery
    from archlint.report.starter_rules import InferredModel, SkippedModels

FIRST_CONTRACT = "archlint.engine.first_contract:first_contract"
SCHEMA = "archlint.schema.json"
PATHS = 128  # runs on symbolic sizes for one model, as in archlint infer
SECONDS_IN_ALL = 80.0  # after this no further model is tried
GRACE_IN_ALL = 25.0  # seconds more for the models that are being tried then


@dataclass
class ExistingRules:
    """The existing rule file, if there is one, and the models that have contracts anywhere."""

    text: str = ""
    names: set[str] = field(default_factory=set)  # of its models and contracts
    places: set[str] = field(default_factory=set)  # whole paths of the models with contracts
    waiting: list[ModelRef] = field(default_factory=list)  # its models without a contract

    @classmethod
    def read(cls, file: Path) -> ExistingRules:
        """Read ``file``, and the other rule files of the project. Raises ``CannotRun``."""
        from archlint.contracts.rulefile.load import load
        from archlint.contracts.settings import rule_files, shorten
        from archlint.errors import ArchlintError, RuleFileError

        existing = cls()
        if file.exists():
            try:
                rules = load(shorten(file))
                existing.text = file.read_text(encoding="utf-8")
            except RuleFileError as e:
                raise CannotRun(f"{shorten(file)} has mistakes; nothing is added to it\n{e}") from e
            except OSError as e:
                raise CannotRun(f"{shorten(file)} cannot be read: {e.strerror}") from e
            existing._add(rules)
            existing.names = {*rules.models, *(c.id for c in rules.contracts)}
            used = {ref.name for c in rules.contracts for ref in c.models}
            existing.waiting = [ref for name, ref in rules.models.items() if name not in used]
        try:
            others = [f for f in rule_files(()) if f.resolve() != file.resolve()]
        except ArchlintError:
            others = []
        for other in others:
            try:
                existing._add(load(other))
            except (RuleFileError, OSError):
                continue
        return existing

    def _add(self, rules: RuleFile) -> None:
        refs = [ref for c in rules.contracts for ref in c.models]
        self.places |= {with_whole_path(ref.target, rules.path.parent) for ref in refs}

    def has(self, model: DiscoveredModel, folder: Path) -> bool:
        """Whether a rule file of the project has the model: with a contract, or in ``waiting``."""
        place = with_whole_path(model.target(folder), folder)
        waiting = {with_whole_path(ref.target, folder) for ref in self.waiting}
        return place in self.places or place in waiting

    def failed_before(self, model: DiscoveredModel, root: Path) -> bool:
        """Whether the comments of an earlier run give a reason against a contract."""
        target = re.escape(model.target(root))
        lines = rf"^# .*(?<!\S){target}([,:]| --kwargs)( |$)"
        return bool(re.search(lines, self.text, re.MULTILINE))


class FirstRules:
    """The rule file in the making. ``write`` is called with its text after each model."""

    def __init__(self, discovery: Discovery, existing: ExistingRules, file: Path, root: Path):
        self.models: list[InferredModel] = []
        self.later: list[DiscoveredModel] = []
        self._discovery, self._existing = discovery, existing
        self._file, self._root = file, root
        self._done: set[DiscoveredModel] = set()
        self._failed: dict[DiscoveredModel, InferredModel] = {}
        self._total = 0

    def infer(self, seconds: float, count: int, write: bool) -> None:
        """Infer what each new model accepts; a part of models only if those models all fail.

        ``seconds`` bounds one model; ``count`` is the number of processes. With ``write``, the
        file is replaced after each model. Ends when the time in all is over: ``later`` has the
        models that were not tried then.
        """
        stop = time.monotonic() + SECONDS_IN_ALL
        folder = self._file.parent
        self._done = {m for m in self._discovery.buildable if self._existing.has(m, folder)}
        waiting = list(self._existing.waiting)
        while (ready := self._ready()) or waiting:
            jobs = [self._job(ref, seconds) for ref in waiting]
            jobs += [self._job(self._ref(model), seconds) for model in ready]
            sources = [*([None] * len(waiting)), *ready]
            waiting = []
            self._total += len(jobs)
            for index, entry in self._results(jobs, sources, count, stop):
                self.models.append(entry)
                if (model := sources[index]) is not None:
                    self._done.add(model)
                    if not entry.contract:
                        self._failed[model] = entry
                self._report(entry)
                if write:
                    self.write()
            left = [m for m in sources if m is not None and m not in self._done]
            if left or time.monotonic() > stop:
                self.later = left + [m for m in self._ready() if m not in left]
                break
        if write and (self.models or not self._existing.text):
            self.write()

    def _report(self, model: InferredModel) -> None:
        """One line on stderr about the model that was tried last."""
        from archlint.report.starter_rules import cause, reason

        contract = model.contract
        if contract:
            kind = "accepts" if "accepts" in contract else "rejects"
            about = f"{model.name}: {kind} {contract[kind]}"
        else:
            why, before = cause(model), enumerate(self.models[:-1], start=1)
            same = next((i for i, m in before if not m.contract and cause(m) == why), None)
            if same:  # that line has the whole reason, and the arguments to paste
                target = model.argument.partition(" --kwargs ")[0]
                about = f"{target}: {why.partition(':')[0]}, as [{same}]"
            else:
                about = f"{model.argument}: {reason(model)}"
        click.echo(f"[{len(self.models)}/{self._total}] {about}", err=True)

    def _ready(self) -> list[DiscoveredModel]:
        """The models to try next; those that failed in an earlier run come last."""
        ready = self._discovery.ready(self._done, self._failed)
        return sorted(ready, key=lambda m: self._existing.failed_before(m, self._root))

    def _results(
        self,
        jobs: Sequence[Job],
        sources: Sequence[DiscoveredModel | None],
        count: int,
        stop: float,
    ) -> Iterator[tuple[int, InferredModel]]:
        """Each job's index and its result, as they come, until ``stop``."""
        from archlint.report.starter_rules import InferredModel
        from archlint.runner import pool

        if find_spec("torch") is None:
            raise CannotRun(NEEDS_TORCH)
        until = stop + GRACE_IN_ALL
        with closing(pool.run(jobs, count, check=FIRST_CONTRACT, until=until)) as results:
            for index, verdict in results:
                ref, model = jobs[index].ref, sources[index]
                entry = InferredModel(
                    ref.name,
                    ref.target,
                    model.about if model else "",
                    verdict.entry,
                    "" if verdict.entry else verdict.message,
                    ref.kwargs,
                    listed=model is None,
                    command=self._command(model) if model else ref.name,
                )
                yield index, _parsable(entry)
                if time.monotonic() > stop:
                    return

    def _ref(self, model: DiscoveredModel) -> ModelRef:
        from archlint.contracts.contract import ModelRef
        from archlint.errors import Location

        folder = self._file.parent
        where = Location(str(self._file), 1)
        return ModelRef(model.name, model.target(folder), (), model.kwargs(folder), where)

    def _command(self, model: DiscoveredModel) -> str:
        """The model as an argument of ``archlint infer`` in the project's root."""
        target, kwargs = model.target(self._root), model.kwargs(self._root)
        return f"{target} --kwargs {shlex.quote(json.dumps(kwargs))}" if kwargs else target

    def _job(self, ref: ModelRef, seconds: float) -> Job:
        from archlint.contracts.contract import ANY_SIZE_CLAUSE, Budget, Contract
        from archlint.contracts.job import Job

        contract = Contract("init", [], ANY_SIZE_CLAUSE, budget=Budget(PATHS, seconds))
        return Job(contract, ref, self._root)

    def skipped(self) -> SkippedModels:
        """What is not in ``models``, as lines for the rule file."""
        from archlint.contracts.settings import shorten
        from archlint.report.starter_rules import InferredModel, SkippedModels, model_entry

        folder, found = self._file.parent, self._discovery
        missing = [m for m in found.buildable if m not in self._done and m not in self.later]
        needing = self._needing()
        notebook = "jupyter nbconvert --to script writes its code to a file that archlint reads"
        return SkippedModels(
            [m.target(folder) for m in missing],
            [
                model_entry(InferredModel(m.name, m.target(folder), kwargs=m.kwargs(folder)))
                for m in needing
            ],
            [f"{shorten(file.path)}: {why}" for file, why in found.unread.items()]
            + [f"{shorten(path)}: {notebook}" for path in found.notebooks],
            [m.target(folder) for m in self.later],
        )

    def _needing(self) -> list[DiscoveredModel]:
        """The models whose arguments the user must write, the main model first."""
        folder = self._file.parent
        return [m for m in self._discovery.needing if not self._existing.has(m, folder)]

    def needs_main(self) -> bool:
        """Whether the first of the models that need arguments may be the project's main model.

        It is not if one with a contract uses as many of the project's models: a block is left over.
        """
        needing, most = self._needing(), self._most_parts()
        return bool(needing) and (needing[0].parts > most or not most)

    def failed_main(self) -> InferredModel | None:
        """A model without a contract that may be the main one: it uses more than those that have.

        ``None`` if there is none, or if one that needs arguments uses even more.
        """
        main = max(self._failed, key=lambda m: m.parts, default=None)
        others = [m.parts for m in self._needing()[:1]]
        if main is None or main.parts <= max(self._most_parts(), *others, 0):
            return None
        return self._failed[main]

    def _most_parts(self) -> int:
        """How many of the project's models one with a contract uses, at the most."""
        return max((m.parts for m in self._done if m not in self._failed), default=0)

    def text(self) -> str:
        """The text of the rule file. Raises ``CannotRun`` if lines cannot be added to it."""
        from archlint.contracts.settings import shorten
        from archlint.report.extend_rules import NotExtendable, extended
        from archlint.report.starter_rules import rule_file

        order = {m.name: i for i, m in enumerate(self._discovery.buildable)}
        models = sorted(self.models, key=lambda m: order.get(m.name, -1))
        if not self._existing.text:
            return rule_file(models, self.skipped(), SCHEMA)
        try:
            return extended(self._existing.text, models, self.skipped())
        except NotExtendable as e:
            raise CannotRun(f"{shorten(self._file)}: {e}, or name another file with -o") from e

    def write(self) -> None:
        """Replace the rule file, and write the schema for editors next to it if there is none."""
        from archlint.cli.rules_schema import schema_text

        schema = self._file.parent / SCHEMA
        temporary = self._file.with_name(f".{self._file.name}.{os.getpid()}")
        text = self.text()
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_text(text, encoding="utf-8")
            temporary.replace(self._file)
            if not schema.exists():
                schema.write_text(schema_text(), encoding="utf-8")
        except OSError as e:
            raise CannotRun(f"{e.filename} cannot be written: {e.strerror}") from e


def _parsable(model: InferredModel) -> InferredModel:
    """The model; with a reason instead of a contract if no rule file can contain the contract."""
    from archlint.contracts.rulefile.load import loads
    from archlint.errors import RuleFileError
    from archlint.report.starter_rules import SkippedModels, rule_file

    if model.contract:
        try:
            loads(rule_file([replace(model, listed=False)], SkippedModels(), SCHEMA))
        except RuleFileError as e:
            reason = f"its accepted set is too long for a rule file: {e.mistakes[0].found}"
            return replace(model, reason=reason)
    return model
