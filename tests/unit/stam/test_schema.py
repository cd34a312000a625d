"""Official schemas are files of an administrator; what departs from them is told without a value of the document."""

import pytest

from digikoppelaar.errors import ConfigError, TooLarge
from digikoppelaar.stam.schema import MAX_VIOLATIONS, Schemas, read_schemas, violations

VERZOEK, COMMON = "urn:test:verzoek", "urn:test:common"
MAIN = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{VERZOEK}" xmlns:v="{VERZOEK}"
  xmlns:c="{COMMON}" elementFormDefault="qualified">
  <xs:import namespace="{COMMON}" schemaLocation="../common/common.xsd"/>
  <xs:include schemaLocation="parts.xsd"/>
  <xs:element name="verzoek"><xs:complexType><xs:sequence>
    <xs:element name="nummer" type="c:Nummer"/><xs:element name="soort" type="v:Soort" maxOccurs="unbounded"/>
  </xs:sequence></xs:complexType></xs:element></xs:schema>""".encode()
PARTS = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{VERZOEK}">
  <xs:simpleType name="Soort"><xs:restriction base="xs:string"><xs:enumeration value="Melding"/></xs:restriction>
  </xs:simpleType></xs:schema>""".encode()
COMMON_XSD = f"""<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" targetNamespace="{COMMON}">
  <xs:simpleType name="Nummer"><xs:restriction base="xs:string"><xs:pattern value="[0-9]+"/></xs:restriction>
  </xs:simpleType></xs:schema>""".encode()
FILES = {"verzoek/main.xsd": MAIN, "verzoek/parts.xsd": PARTS, "common/common.xsd": COMMON_XSD}


def document(*lines: str, namespace: str = VERZOEK) -> bytes:
    return "\n".join((f'<v:verzoek xmlns:v="{namespace}">', *lines, "</v:verzoek>")).encode()


@pytest.fixture(scope="module")
def schemas() -> Schemas:
    return read_schemas(FILES)


def test_only_what_no_other_file_names_is_a_schema_of_its_own(schemas: Schemas) -> None:
    assert list(schemas) == [VERZOEK]


def test_what_fits_has_no_findings(schemas: Schemas) -> None:
    good = document("<v:nummer>12</v:nummer>", "<v:soort>Melding</v:soort>")
    assert violations(schemas, good, limit=1000) == ()


def test_a_violation_names_place_and_line_and_quotes_nothing(schemas: Schemas) -> None:
    found = violations(schemas, document("<v:nummer>Jansen</v:nummer>", "<v:soort>Vraag</v:soort>"), limit=1000)
    assert [(each.path, each.line) for each in found] == [("nummer", 2), ("soort", 3)]
    assert "lijst" in found[1].sentence
    assert not any(word in each.sentence for each in found for word in ("Jansen", "Vraag"))


def test_a_place_in_a_default_namespace_is_named_too(schemas: Schemas) -> None:
    plain = document("<v:nummer>Jansen</v:nummer>", "<v:soort>Melding</v:soort>").replace(b"v:", b"")
    assert [each.path for each in violations(schemas, plain.replace(b"xmlns:v", b"xmlns"), limit=1000)] == ["nummer"]


def test_many_violations_are_counted(schemas: Schemas) -> None:
    lines = ["<v:soort>Vraag</v:soort>"] * (MAX_VIOLATIONS + 5)
    found = violations(schemas, document("<v:nummer>1</v:nummer>", *lines), limit=10_000)
    assert len(found) == MAX_VIOLATIONS + 1
    assert "nog 5" in found[-1].sentence


def test_another_namespace_is_said(schemas: Schemas) -> None:
    [found] = violations(schemas, document(namespace="urn:test:ander"), limit=1000)
    assert found.code == "schema-missing"


def test_without_schemas_nothing_is_read() -> None:
    assert violations({}, b"geen xml", limit=1) == ()


def test_the_limit_of_the_document_holds(schemas: Schemas) -> None:
    with pytest.raises(TooLarge):
        violations(schemas, document("<v:nummer>1</v:nummer>"), limit=10)


def test_a_location_on_the_network_is_the_file_with_that_name() -> None:
    elsewhere = MAIN.replace(b"../common/common.xsd", b"http://schemas.example.org/1.0/common.xsd")
    assert list(read_schemas({**FILES, "verzoek/main.xsd": elsewhere})) == [VERZOEK]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"common/common.xsd": None}, r"verzoek/main.xsd: not a usable XML Schema"),
        ({"common/common.xsd": b"<geen"}, r"common/common.xsd: XML document is not well-formed"),
        ({"common/common.xsd": b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>'}, "DOCTYPE"),
        ({"ander.xsd": MAIN.replace(b"../common", b"common").replace(b"parts", b"verzoek/parts")}, "another schema"),
    ],
)
def test_a_set_that_does_not_hold_together_is_refused_by_name(changes: dict[str, bytes], complaint: str) -> None:
    files = {name: content for name, content in {**FILES, **changes}.items() if content is not None}
    with pytest.raises(ConfigError, match=complaint):
        read_schemas(files)
