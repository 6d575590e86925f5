"""Collects rule files: a test item for each contract and model."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from fnmatch import fnmatchcase
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

import pytest

from archlint.contracts.contract import Contract, ModelRef
from archlint.contracts.contract import RuleFile as Rules
from archlint.contracts.verdict import Verdict
from archlint.errors import ArchlintError, RuleFileError
from archlint.project.adoption.contract_case import case_of
from archlint.project.adoption.project_adoption import Adoption
from pytest_archlint.options import SETTINGS, project_of
from pytest_archlint.outcome import ContractBroken, Failed, record, report_verdict, shown

if TYPE_CHECKING:
    from typing_extensions import Self

    from archlint.models.targets import ModelSource

FIXTURE = "fixture:"


class RuleFile(pytest.Module):
    """A rule file. It is a module for pytest, so that its items can use module-scoped fixtures."""

    archlint_mistakes: tuple[dict[str, Any], ...] = ()
    rules: Rules
    adoption: Adoption

    def _getobj(self) -> ModuleType:
        return ModuleType(self.path.stem.replace(".", "_"))

    def collect(self) -> Iterator[pytest.Item]:
        """The items in the order of the file. Reads YAML, does not import torch."""
        from archlint.contracts.rulefile.load import load

        try:
            rules = load(self.path)
        except RuleFileError as e:
            file = shown(self.path, self.config)
            mistakes = [
                replace(m, where=replace(m.where, file=file))
                if m.where.file == str(self.path)
                else m  # in a pack that it uses
                for m in e.mistakes
            ]
            self.archlint_mistakes = tuple(asdict(m) for m in mistakes)
            raise self.CollectError("\n".join(map(str, mistakes))) from None
        self.rules = rules
        try:
            self.adoption = Adoption.of(project_of(self.path, self.config))
        except ArchlintError as e:
            raise self.CollectError(str(e)) from None
        items = [ContractItem.of(self, c, ref) for c in rules.contracts for ref in c.models]
        yield from items
        if self.config.stash[SETTINGS].locked:
            from pytest_archlint.lock_items import LockedItem

            yield from LockedItem.of_items(self, items)


class ContractItem(pytest.Function):
    """One contract and one model. It is a function for pytest, so that its fixtures are set up."""

    contract: Contract
    ref: ModelRef

    @classmethod
    def of(cls, file: RuleFile, contract: Contract, ref: ModelRef) -> ContractItem:
        """The item ``id[model]``, or ``id[model-train]`` in training mode."""

        marks = []
        if contract.skip:
            marks.append(pytest.mark.skip(reason=contract.skip))
        if contract.severity == "off":
            marks.append(pytest.mark.skip(reason=contract.severity_reason or "severity: off"))
        if contract.xfail:
            mark = pytest.mark.xfail(
                reason=contract.xfail, strict=contract.xfail_strict, raises=ContractBroken
            )
            marks.append(mark)
        return cls.marked(file, contract, ref, marks)

    @classmethod
    def marked(
        cls,
        file: RuleFile,
        contract: Contract,
        ref: ModelRef,
        marks: Sequence[pytest.MarkDecorator],
    ) -> Self:
        """The item of a contract, with these marks and the fixture that its model comes from."""

        def body() -> None:
            """The function that pytest inspects; :meth:`runtest` does the work."""

        own = [pytest.mark.archlint]
        if ref.target.startswith(FIXTURE):
            own.append(pytest.mark.usefixtures(ref.target.removeprefix(FIXTURE)))
        body.pytestmark = [*own, *marks]  # type: ignore[attr-defined]
        mode = "" if contract.mode == "eval" else f"-{contract.mode}"
        name = f"{contract.id}[{ref.name}{mode}]"
        item: Self = cls.from_parent(file, name=name, callobj=body)
        item.contract, item.ref = contract, ref
        return item

    @property
    def id(self) -> Any:
        """The node id in parts (pytest 9.2), with the model name as its parameter.

        pytest compares it with parsed ids (``--lf``), so it is made by parsing as well.
        """
        whole = super().id
        return type(whole).parse(str(whole))

    def reportinfo(self) -> tuple[Path, int, str]:
        """The contract's own line, for editors."""
        where = self.contract.where
        return self.path, where.line - 1 if where else 0, self.name

    def setup(self) -> None:
        message = ""
        try:
            super().setup()
        except pytest.FixtureLookupError as e:
            if e.argname != self.ref.target.removeprefix(FIXTURE):
                raise
            message = f"there is no fixture {e.argname!r}; pytest --fixtures lists all fixtures"
        except (Exception, Failed) as e:
            record(self, self._error(f"its fixtures could not be set up: {type(e).__name__}: {e}"))
            raise
        if message:
            report_verdict(self, self._error(message))

    def runtest(self) -> None:
        """Check the contract in this process."""
        from pytest_archlint.check_item import check_contract

        check_contract(self, self.contract, self.open_source)

    def open_source(self) -> AbstractContextManager[ModelSource]:
        """Locate the model: that of the item's fixture, or the one that the target names."""
        from archlint.errors import TargetError
        from archlint.models.targets import from_instance, resolve

        if not self.ref.target.startswith(FIXTURE):
            return resolve(self.ref, self.root())
        if self.ref.args or self.ref.kwargs:
            raise TargetError(f"{self.ref.target} is already a model; it takes no args or kwargs")
        model: Any = self.funcargs[self.ref.target.removeprefix(FIXTURE)]
        return from_instance(model)

    def _error(self, message: str) -> Verdict:
        path, line, _ = self.reportinfo()
        details = {"reason": message}
        return Verdict(
            "error", self.contract.id, self.ref.name, str(path), line + 1,
            message=message, details=details,
        )  # fmt: skip

    def root(self) -> Path:
        """The project that the rule file belongs to."""
        return project_of(self.path, self.config)

    def apply_adoption(self, verdict: Verdict) -> tuple[Verdict, list[Verdict]]:
        """The verdict with waivers and baseline applied, and verdicts on their unused entries."""
        file = self.parent
        assert isinstance(file, RuleFile)
        results = {case_of(self.contract, self.ref.name): verdict}
        unused = file.adoption.unused([file.rules], results, complete=False)
        return file.adoption.apply(verdict, file.rules), unused


def deselect(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Deselect the contracts that --archlint-select does not match; other tests stay."""
    patterns = config.stash[SETTINGS].select
    ids = sorted({item.contract.id for item in items if type(item) is ContractItem})
    for pattern in patterns if ids else ():
        if not any(fnmatchcase(name, pattern) for name in ids):
            message = f"--archlint-select: no contract matches {pattern!r}"
            message += f"; there are {', '.join(ids[:20])}"
            if not hasattr(config, "workerinput"):
                raise pytest.UsageError(message)
            config.issue_config_time_warning(pytest.PytestWarning(message), 2)  # xdist would crash
    out = [
        item
        for item in items
        if type(item) is ContractItem
        and not any(fnmatchcase(item.contract.id, pattern) for pattern in patterns)
    ]
    if out:
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in set(out)]
