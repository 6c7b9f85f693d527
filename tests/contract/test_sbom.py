"""The bill of materials names every package of the layer, with its hashes."""

import json
from pathlib import Path

from release.layer_packages import locked_packages
from release.sbom import write_sbom


def test_the_bill_of_materials_has_every_package_with_its_hashes(tmp_path: Path) -> None:
    file, repeated = tmp_path / "sbom.json", tmp_path / "again.json"
    for path in (file, repeated):
        write_sbom(path)
    bill = json.loads(file.read_text())
    assert (bill["bomFormat"], bill["metadata"]["component"]["name"]) == ("CycloneDX", "assetline")
    components = {component["name"]: component for component in bill["components"]}
    assert {name: component["version"] for name, component in components.items()} == {
        package.name: package.version for package in locked_packages()
    }
    for package in locked_packages():
        references = components[package.name]["externalReferences"]
        assert sum(len(reference.get("hashes", [])) for reference in references) >= package.hashes
    assert file.read_bytes() == repeated.read_bytes()
