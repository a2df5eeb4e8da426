"""What other programs read first: ``datapackage.json`` (Frictionless Data Package) and ``dcat.jsonld`` (DCAT-AP 3)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

from climart.files import sha256_of
from mart import dictionary, release, texts

TITLE_FR: Final = "Climart : risques climatiques par territoire en France"
TITLE_EN: Final = "Climart: climate risk by territory in France"
ABOUT_FR: Final = (
    "Indicateurs climatiques par territoire, avec leur intervalle sur les simulations, leur provenance et la raison de "
    "leur absence."
)
ABOUT_EN: Final = (
    "Climate indicators by territory, with their interval over the runs, their provenance and the reasons where they "
    "are missing."
)
# Names that the producers' licences go by → address of their text.
LICENCES: Final = {
    "Licence Ouverte 2.0": "https://spdx.org/licenses/etalab-2.0.html",
    "CC BY 4.0": "https://creativecommons.org/licenses/by/4.0/",
    "ODbL": "https://opendatacommons.org/licenses/odbl/1-0/",
}
FREQUENCY: Final = "http://publications.europa.eu/resource/authority/frequency/IRREG"
PARQUET: Final = "application/vnd.apache.parquet"
DUCKDB: Final = "application/vnd.duckdb"
_JSON_TYPES: Final = (
    (r".*\[\]", "array"),
    (r"(tinyint|smallint|integer|bigint|hugeint)", "integer"),
    (r"(float|double|decimal.*)", "number"),
    (r"boolean", "boolean"),
    (r"date", "date"),
    (r"timestamp.*", "datetime"),
)


def write(folder: Path) -> None:
    """Write both files for the release in ``folder``, whose tables and ``release.json`` are there already."""
    about = release.describe(folder)
    for name, content in (("datapackage.json", data_package(folder, about)), ("dcat.jsonld", dcat(folder, about))):
        (folder / name).write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def data_package(folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """The release as a Frictionless Data Package: one resource per Parquet file, with its schema and checksum."""
    return {
        "name": "climart",
        "id": f"climart-{about['version']}",
        "title": TITLE_FR,
        "description": f"{ABOUT_FR} {ABOUT_EN}",
        "version": about["version"],
        "created": about["published_at"],
        "licenses": [_licence(name) for name in about["licences"]],
        "sources": [
            {"title": f"{d['title_fr']} ({d['producer']})", **({"path": d["homepage"]} if d["homepage"] else {})}
            for d in about["datasets"]
        ],
        "contributors": [{"title": "Climart", "role": "publisher"}],
        "resources": [_resource(folder, table) for table in dictionary.published(folder)],
    }


def _resource(folder: Path, table: texts.Table) -> dict[str, Any]:
    path = folder / "parquet" / f"{table.name}.parquet"
    licences = pq.read_schema(path).metadata[b"licence"].decode()
    schema: dict[str, Any] = {"fields": [_field(name, text) for name, text in table.columns.items()]}
    if table.key and set(table.key) <= set(table.columns):
        schema["primaryKey"] = list(table.key)
    return {
        "name": table.name,
        "path": f"parquet/{path.name}",
        "format": "parquet",
        "mediatype": PARQUET,
        "title": table.text.description_fr,
        "description": table.text.description_en,
        "sources": [{"title": table.text.source_fr}],
        "licenses": [_licence(name) for name in licences.split("; ") if name],
        "bytes": path.stat().st_size,
        "hash": f"sha256:{sha256_of(path)}",
        "schema": schema,
    }


def _field(name: str, text: texts.Text) -> dict[str, Any]:
    types = (kind for pattern, kind in _JSON_TYPES if re.fullmatch(pattern, text.data_type, re.IGNORECASE))
    return {
        "name": name,
        "type": next(types, "any" if text.data_type.lower() == "blob" else "string"),
        "title": text.description_fr,
        "description": text.description_en,
        "unit": text.unit,
        "source": text.source_fr,
    }


def _licence(name: str) -> dict[str, str]:
    known = LICENCES.get(name)
    return {"name": re.sub(r"[^A-Za-z0-9._-]+", "-", name), "title": name, **({"path": known} if known else {})}


def dcat(folder: Path, about: dict[str, Any]) -> dict[str, Any]:
    """The release as a DCAT-AP 3 dataset in JSON-LD; distributions are named relative to the file itself."""
    files = [(folder / "climart.duckdb", DUCKDB)]
    files += [(path, PARQUET) for path in sorted((folder / "parquet").glob("*.parquet"))]
    issued = {"@type": "xsd:dateTime", "@value": about["published_at"]}
    licences = [LICENCES.get(name) for name in about["licences"]]
    licence = [{"@id": address} for address in licences if address]
    licence += [
        {"@type": "dct:LicenseDocument", "dct:title": name} for name in about["licences"] if name not in LICENCES
    ]
    return {
        "@context": {
            "dcat": "http://www.w3.org/ns/dcat#",
            "dct": "http://purl.org/dc/terms/",
            "foaf": "http://xmlns.com/foaf/0.1/",
            "spdx": "http://spdx.org/rdf/terms#",
            "xsd": "http://www.w3.org/2001/XMLSchema#",
        },
        "@id": f"urn:climart:release:{about['version']}",
        "@type": "dcat:Dataset",
        "dct:title": [{"@language": "fr", "@value": TITLE_FR}, {"@language": "en", "@value": TITLE_EN}],
        "dct:description": [{"@language": "fr", "@value": ABOUT_FR}, {"@language": "en", "@value": ABOUT_EN}],
        "dct:publisher": {"@type": "foaf:Organization", "foaf:name": "Climart"},
        "dct:issued": issued,
        "dct:modified": issued,
        "dct:accrualPeriodicity": {"@id": FREQUENCY},
        "dct:spatial": {"@id": "http://publications.europa.eu/resource/authority/country/FRA"},
        "dct:language": [
            {"@id": f"http://publications.europa.eu/resource/authority/language/{code}"} for code in ("FRA", "ENG")
        ],
        "dcat:theme": {"@id": "http://publications.europa.eu/resource/authority/data-theme/ENVI"},
        "dcat:version": about["version"],
        "dct:license": licence,
        "dct:source": [
            {"@type": "dcat:Dataset", "dct:title": d["title_en"], "dct:bibliographicCitation": d["citation"]}
            for d in about["datasets"]
        ],
        "dcat:distribution": [
            {
                "@id": f"urn:climart:release:{about['version']}:{path.relative_to(folder).as_posix()}",
                "@type": "dcat:Distribution",
                "dct:title": path.relative_to(folder).as_posix(),
                "dcat:accessURL": {"@id": path.relative_to(folder).as_posix()},
                "dcat:downloadURL": {"@id": path.relative_to(folder).as_posix()},
                "dcat:mediaType": {"@id": f"https://www.iana.org/assignments/media-types/{media}"},
                "dcat:byteSize": {"@type": "xsd:nonNegativeInteger", "@value": str(path.stat().st_size)},
                "dct:license": licence,
                "dct:issued": issued,
                "spdx:checksum": {
                    "@type": "spdx:Checksum",
                    "spdx:algorithm": {"@id": "spdx:checksumAlgorithm_sha256"},
                    "spdx:checksumValue": {"@type": "xsd:hexBinary", "@value": sha256_of(path)},
                },
            }
            for path, media in files
        ],
    }
