"""The supply chain of the layer: its packages, their licences, the bill of materials, and known vulnerabilities."""
