"""`python -m release`: what the layer carries."""

from pathlib import Path
from typing import Annotated

import typer

from release import audit as auditing
from release import licences as licence_page
from release.bytecode import CompilationError, compile_build
from release.layer_packages import ROOT, locked_packages
from release.sbom import write_sbom
from release.versions import changelog_section, project_version

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False)

Strict = Annotated[bool, typer.Option(help="Fail also if a package was not audited.")]


@app.command()
def version() -> None:
    """Print the version of this checkout."""
    typer.echo(project_version())


@app.command()
def notes() -> None:
    """Print the section of the changelog for this version; exit status 1 without one."""
    number = project_version()
    section = changelog_section((ROOT / "CHANGELOG.md").read_text(), number)
    if section is None:
        typer.echo(f"CHANGELOG.md has no section `## {number}`. Rename `## Unreleased`.", err=True)
        raise typer.Exit(1)
    typer.echo(section)


@app.command()
def licences() -> None:
    """Write docs/licences.md from the metadata of the packages of the layer."""
    licence_page.PAGE.write_text(licence_page.page())


@app.command()
def sbom(file: Annotated[Path, typer.Argument(help="File to write.")] = ROOT / ".aws-sam/sbom.json") -> None:
    """Write the bill of materials of the layer, as CycloneDX."""
    write_sbom(file)
    typer.echo(f"Bill of materials: {file}")


@app.command("compile")
def compile_(build: Annotated[Path, typer.Argument(help="Folder of `sam build`.")] = ROOT / ".aws-sam/build") -> None:
    """Compile the modules that a build carries, so that a cold start does not."""
    try:
        typer.echo(f"Compiled {compile_build(build):,} modules in {build}")
    except CompilationError as error:
        typer.echo(error, err=True)
        raise typer.Exit(1) from None


@app.command()
def audit(*, strict: Strict = False) -> None:
    """Look for known vulnerabilities in the packages of the layer; exit status 1 if there are some."""
    result = auditing.run_audit(len(locked_packages()))
    for line in result.lines():
        typer.echo(line)
    if result.vulnerabilities or (strict and result.not_audited):
        raise typer.Exit(1)


if __name__ == "__main__":
    app()
