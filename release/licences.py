"""The page docs/licences.md, made from the metadata of the packages of the layer."""

from release.layer_packages import ROOT, licence_of, locked_packages

PAGE = ROOT / "docs/licences.md"

# Licences that allow use and distribution beside Apache-2.0. MPL-2.0 applies to changed files of the package alone.
ACCEPTED = frozenset(
    {
        "Apache-2.0",
        "BSD-3-Clause",
        "MIT",
        "MPL-2.0",
        "MPL-2.0 AND (Apache-2.0 OR MIT)",
        "PSF-2.0",
    }
)


def page() -> str:
    """Return the page."""
    rows = [f"| {package.name} | {package.version} | {licence_of(package.name)} |" for package in locked_packages()]
    return "\n".join(
        [
            "# What the layer carries",
            "",
            "`.venv/bin/python -m release licences` generates this page from the metadata of the locked packages, and",
            "a test compares them. boto3 comes with the Lambda runtime. Each package has its licence in the layer.",
            "",
            "| Package | Version | Licence |",
            "|---|---|---|",
            *rows,
            "",
            "Assetline itself has the licence [Apache-2.0](../LICENSE). A package with another licence fails the test",
            "until a person accepts the licence. `make build` writes the same list with hashes, as CycloneDX, to",
            "`.aws-sam/sbom.json`. `make audit` looks for known vulnerabilities.",
            "",
        ]
    )
