"""What is known of a checkpoint so far: report fields, why each has its value, and what a person should know."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from core.records import CheckpointReport, Evidence, Finding, Severity

FROM_TRAINING = "Save the checkpoint again with the code that trained it, or ask its author for the original file."
IF_ON_PURPOSE = "Nothing to do if the file was made so on purpose; otherwise compare with the original file."


class Dossier:
    """Filled by one step of the identification after another, then closed into the report."""

    def __init__(self, findings: Iterable[Finding] = ()) -> None:
        self.fields: dict[str, Any] = {}
        self.evidence: list[Evidence] = []
        self.findings: list[Finding] = list(findings)
        self.ambiguous = False

    @property
    def refused(self) -> bool:
        return any(finding.severity == "error" for finding in self.findings)

    def know(self, field: str, value: Any, why: str) -> None:
        """`field` of the report has `value`, because of `why` (a clause that names a hyper-parameter, key or shape)."""
        self.fields[field] = value
        self.evidence = [item for item in self.evidence if item.field != field]  # what is known now wins
        self.witness(field, value, why)

    def witness(self, field: str, value: Any, why: str) -> None:
        """Evidence for a part of a field, such as `film.stages`."""
        self.evidence.append(Evidence(field=field, value=value, why=why))

    def error(self, code: str, message: str, remedy: str = FROM_TRAINING) -> None:
        self._find("error", code, message, remedy)

    def warning(self, code: str, message: str, remedy: str) -> None:
        self._find("warning", code, message, remedy)

    def note(self, code: str, message: str, remedy: str) -> None:
        self._find("note", code, message, remedy)

    def take(self, findings: Iterable[Finding]) -> None:
        """Findings that were made elsewhere."""
        self.findings += [finding for finding in findings if finding not in self.findings]

    def _find(self, severity: Severity, code: str, message: str, remedy: str) -> None:
        finding = Finding(severity=severity, code=code, message=message, remedy=remedy)
        if finding not in self.findings:  # two steps may meet the same bad value
            self.findings.append(finding)

    def report(self) -> CheckpointReport:
        """The report as far as it is known; errors make it `refused`, open choices `ambiguous`."""
        status = "refused" if self.refused else "ambiguous" if self.ambiguous else "ok"
        ordered = sorted(self.findings, key=lambda finding: ("error", "warning", "note").index(finding.severity))
        return CheckpointReport(
            status=status,  # type: ignore[arg-type]  # mypy sees str where the literals above are meant
            evidence=tuple(self.evidence),
            findings=tuple(ordered),
            **self.fields,
        )
