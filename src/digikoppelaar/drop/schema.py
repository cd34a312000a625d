"""The XML Schema and the WSDL of 3PAS as a profile has them: for the sandbox, which judges requests by the same schema.

Nothing of them is KOOP's: they are made of what we assume. KOOP's own WSDL, when it is in hand, replaces the profile.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from lxml import etree

from digikoppelaar import xml
from digikoppelaar.drop.profile import (
    BINARIES,
    DATES,
    ENUMS,
    LOCATIE,
    REPEATED,
    EnvelopeProfile,
)

OPERATION: Final = "operation.xsd"
"""The name of the schema that has the elements of the bodies."""
ELEMENTS: Final = "elements.xsd"
"""The name of the schema that has what is in them."""

_XS: Final = "http://www.w3.org/2001/XMLSchema"
_WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
_SOAP: Final = "http://schemas.xmlsoap.org/wsdl/soap/"
_TRANSPORT: Final = "http://schemas.xmlsoap.org/soap/http"


@dataclass(frozen=True, slots=True)
class _Leaf:
    """A value: its type, or else the values that it may have, and how often it is there."""

    type: str = "string"
    values: tuple[str, ...] = ()
    required: bool = False
    repeated: bool = False


@dataclass(frozen=True, slots=True)
class _Branch:
    """Elements in an element, in order."""

    elements: "Mapping[str, _Leaf | _Branch]"
    repeated: bool = False

    @property
    def required(self) -> bool:
        """Whether it must be there, for something in it must."""
        return not self.repeated and any(element.required for element in self.elements.values())


def schemas(profile: EnvelopeProfile) -> dict[str, bytes]:
    """The schema files by name; what OPERATION imports is in ELEMENTS."""
    operation = _schema(profile.namespace, profile)
    etree.SubElement(operation, f"{{{_XS}}}import", namespace=profile.element_namespace, schemaLocation=ELEMENTS)
    elements = _schema(profile.element_namespace, profile)
    if profile.element_namespace == profile.namespace:
        operation = elements
    request, response, detail = _request(profile), _response(profile), _detail(profile)
    for name, branch in ((profile.operation, request), (profile.response, response)):
        sequence = _complex(etree.SubElement(operation, f"{{{_XS}}}element", name=name))
        for child, element in branch.elements.items():
            etree.SubElement(sequence, f"{{{_XS}}}element", attrib={"ref": f"e:{child}"} | _occurs(element))
    for branch in (request, response, detail):
        for name, element in branch.elements.items():
            _write(elements, name, element, {})
    if operation is elements:
        return {OPERATION: xml.serialize(operation)}
    return {OPERATION: xml.serialize(operation), ELEMENTS: xml.serialize(elements)}


def wsdl(profile: EnvelopeProfile, address: str) -> bytes:
    """The WSDL 1.1 of the service at `address`."""
    names = {"wsdl": _WSDL, "soap": _SOAP, "t": profile.namespace, "e": profile.element_namespace}
    root = etree.Element(f"{{{_WSDL}}}definitions", nsmap=names, targetNamespace=profile.namespace)
    types = etree.SubElement(root, f"{{{_WSDL}}}types")
    for file in reversed(schemas(profile).values()):
        schema = xml.parse(file, limit=len(file))
        for each in schema.iter(f"{{{_XS}}}import"):
            del each.attrib["schemaLocation"]  # it stands beside it
        types.append(schema)
    detail = next(iter(_detail(profile).elements))
    for name, element in (("Request", f"t:{profile.operation}"), ("Response", f"t:{profile.response}")):
        _message(root, name, "parameters", element)
    _message(root, "Fault", "fault", f"e:{detail}")
    _write_port(root, profile)
    _write_binding(root, profile)
    service = etree.SubElement(root, f"{{{_WSDL}}}service", name=profile.contract.removeprefix("I"))
    port = etree.SubElement(service, f"{{{_WSDL}}}port", name="Soap11", binding="t:Soap11")
    etree.SubElement(port, f"{{{_SOAP}}}address", location=address)
    return xml.serialize(root)


def _message(root: etree._Element, name: str, part: str, element: str) -> None:
    message = etree.SubElement(root, f"{{{_WSDL}}}message", name=name)
    etree.SubElement(message, f"{{{_WSDL}}}part", name=part, element=element)


def _write_port(root: etree._Element, profile: EnvelopeProfile) -> None:
    port = etree.SubElement(root, f"{{{_WSDL}}}portType", name=profile.contract)
    operation = etree.SubElement(port, f"{{{_WSDL}}}operation", name=profile.operation)
    etree.SubElement(operation, f"{{{_WSDL}}}input", message="t:Request")
    etree.SubElement(operation, f"{{{_WSDL}}}output", message="t:Response")
    etree.SubElement(operation, f"{{{_WSDL}}}fault", name="Fault", message="t:Fault")


def _write_binding(root: etree._Element, profile: EnvelopeProfile) -> None:
    binding = etree.SubElement(root, f"{{{_WSDL}}}binding", name="Soap11", type=f"t:{profile.contract}")
    etree.SubElement(binding, f"{{{_SOAP}}}binding", transport=_TRANSPORT, style="document")
    operation = etree.SubElement(binding, f"{{{_WSDL}}}operation", name=profile.operation)
    etree.SubElement(operation, f"{{{_SOAP}}}operation", soapAction=profile.action.strip('"'), style="document")
    for name in ("input", "output"):
        etree.SubElement(etree.SubElement(operation, f"{{{_WSDL}}}{name}"), f"{{{_SOAP}}}body", use="literal")
    fault = etree.SubElement(operation, f"{{{_WSDL}}}fault", name="Fault")
    etree.SubElement(fault, f"{{{_SOAP}}}fault", name="Fault", use="literal")


# --- What is in a message --------------------------------------------------------------------------------------------


def _request(profile: EnvelopeProfile) -> _Branch:
    return _tree((profile.path[name], _field(name, profile)) for name in profile.order)


def _response(profile: EnvelopeProfile) -> _Branch:
    return _tree([(profile.dossiernummer, _Leaf(required=True))])


def _detail(profile: EnvelopeProfile) -> _Branch:
    return _tree([(profile.fault_code, _Leaf(required=True)), (profile.fault_text, _Leaf(required=True))])


def _field(name: str, profile: EnvelopeProfile) -> _Leaf | _Branch:
    if name == LOCATIE:
        typen = _Leaf(values=tuple(profile.spelling["locatietype"].values()), required=True)
        leaves = {veld: typen if veld == "locatietype" else _Leaf() for veld in profile.locatie_path}
        tree = _tree((path, leaves[veld]) for veld, path in profile.locatie_path.items())
        return _Branch(tree.elements, repeated=True)
    values = tuple(profile.spelling[name].values()) if name in ENUMS else ()
    return _Leaf(_type(name), values, name in profile.required, name in REPEATED)


def _type(name: str) -> str:
    if name in DATES:
        return "date"
    return "base64Binary" if name in BINARIES else "string"


def _tree(leaves: Iterator[tuple[str, _Leaf | _Branch]] | list[tuple[str, _Leaf | _Branch]]) -> _Branch:
    """Paths with their ends, as elements in elements."""
    root: dict[str, _Leaf | _Branch] = {}
    inner = {"": root}
    for path, leaf in leaves:
        between, _, last = path.rpartition("/")
        _branch(inner, between)[last] = leaf
    return _Branch(root)


def _branch(inner: dict[str, dict[str, _Leaf | _Branch]], path: str) -> dict[str, _Leaf | _Branch]:
    """The elements at the end of a path, made when they are not there."""
    if path not in inner:
        between, _, last = path.rpartition("/")
        inner[path] = {}
        _branch(inner, between)[last] = _Branch(inner[path])
    return inner[path]


# --- As a schema -----------------------------------------------------------------------------------------------------


def _schema(namespace: str, profile: EnvelopeProfile) -> etree._Element:
    names = {"xs": _XS, "e": profile.element_namespace}
    root = etree.Element(f"{{{_XS}}}schema", nsmap=names, targetNamespace=namespace)
    root.set("elementFormDefault", "qualified")
    return root


def _write(parent: etree._Element, name: str, element: _Leaf | _Branch, occurs: dict[str, str]) -> None:
    written = etree.SubElement(parent, f"{{{_XS}}}element", attrib={"name": name} | occurs)
    match element:
        case _Branch(elements):
            sequence = _complex(written)
            for inner, below in elements.items():
                _write(sequence, inner, below, _occurs(below))
        case _Leaf(_, values) if values:
            restriction = _restriction(written)
            for value in values:
                etree.SubElement(restriction, f"{{{_XS}}}enumeration", value=value)
        case _Leaf("string"):
            etree.SubElement(_restriction(written), f"{{{_XS}}}minLength", value="1")
        case _Leaf(kind):
            written.set("type", f"xs:{kind}")


def _complex(element: etree._Element) -> etree._Element:
    return etree.SubElement(etree.SubElement(element, f"{{{_XS}}}complexType"), f"{{{_XS}}}sequence")


def _restriction(element: etree._Element) -> etree._Element:
    simple = etree.SubElement(element, f"{{{_XS}}}simpleType")
    return etree.SubElement(simple, f"{{{_XS}}}restriction", base="xs:string")


def _occurs(element: _Leaf | _Branch) -> dict[str, str]:
    occurs = {} if element.required else {"minOccurs": "0"}
    return occurs | ({"maxOccurs": "unbounded"} if element.repeated else {})
