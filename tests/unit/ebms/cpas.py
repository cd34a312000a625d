"""A small CPA of our own between two invented parties, for tests that need to change one thing in it."""

import base64
import re

DSO = "00000099000000001000"
GEMEENTE = "00000099000000002000"
CPA_ID = "cpa-notificaties-1"
SERVICE = "dso:notificaties:1.0"
SERVICE_TYPE = "urn:osb:services"

_FAKE_CERTIFICATE = b"\x30\x03\x02\x01"

_CHARACTERISTICS = """
  <tp:BusinessTransactionCharacteristics tp:isAuthenticated="transient" tp:isAuthorizationRequired="true"
    tp:isConfidential="transient" tp:isIntelligibleCheckRequired="false" tp:isNonRepudiationReceiptRequired="false"
    tp:isNonRepudiationRequired="{signed}" tp:isTamperProof="transient"/>"""

_CAN = (
    """
 <tp:{can}>
  <tp:ThisPartyActionBinding tp:id="{me}_{action}" tp:action="{action}" tp:packageId="Pack">"""
    + _CHARACTERISTICS
    + """
   <tp:ChannelId>{me}_channel</tp:ChannelId>
  </tp:ThisPartyActionBinding>
  <tp:OtherPartyActionBinding>{other}_{action}</tp:OtherPartyActionBinding>
 </tp:{can}>"""
)

_SIGNING = """
  <tp:SenderNonRepudiation>
   <tp:NonRepudiationProtocol>http://www.w3.org/2000/09/xmldsig#</tp:NonRepudiationProtocol>
   <tp:HashFunction>http://www.w3.org/2001/04/xmlenc#sha256</tp:HashFunction>
   <tp:SignatureAlgorithm>http://www.w3.org/2001/04/xmldsig-more#rsa-sha256</tp:SignatureAlgorithm>
   <tp:SigningCertificateRef tp:certId="{me}_cert"/>
  </tp:SenderNonRepudiation>"""

_PARTY = """
<tp:PartyInfo tp:partyName="{name}" tp:defaultMshChannelId="{me}_msh" tp:defaultMshPackageId="Pack">
 <tp:PartyId tp:type="urn:osb:oin">
   {party_id}
 </tp:PartyId>
 <tp:PartyRef xlink:href="https://{me}.example"/>
 <tp:CollaborationRole>
  <tp:ProcessSpecification tp:name="notificaties" tp:version="1.0" xlink:href="https://example.org/notificaties"/>
  <tp:Role tp:name="{role}" xlink:href="https://example.org/rollen"/>
  <tp:ServiceBinding>
   <tp:Service tp:type="urn:osb:services">dso:notificaties:1.0</tp:Service>{bindings}
  </tp:ServiceBinding>
 </tp:CollaborationRole>
 <tp:Certificate tp:certId="{me}_cert"><ds:KeyInfo><ds:X509Data><ds:X509Certificate>
{certificate}
 </ds:X509Certificate></ds:X509Data></ds:KeyInfo></tp:Certificate>
 <tp:SecurityDetails tp:securityId="{me}_security">
  <tp:TrustAnchors><tp:AnchorCertificateRef tp:certId="{me}_cert"/></tp:TrustAnchors>
 </tp:SecurityDetails>
 <tp:DeliveryChannel tp:channelId="{me}_msh" tp:transportId="{me}_transport" tp:docExchangeId="{me}_be">
  <tp:MessagingCharacteristics tp:syncReplyMode="none" tp:ackRequested="never" tp:ackSignatureRequested="never"
    tp:duplicateElimination="never"/>
 </tp:DeliveryChannel>
 <tp:DeliveryChannel tp:channelId="{me}_channel" tp:transportId="{me}_transport" tp:docExchangeId="{me}_rm">
  <tp:MessagingCharacteristics tp:syncReplyMode="none" tp:ackRequested="always"
    tp:actor="urn:oasis:names:tc:ebxml-msg:actor:toPartyMSH"
    tp:ackSignatureRequested="{ack_signed}" tp:duplicateElimination="always"/>
 </tp:DeliveryChannel>
 <tp:Transport tp:transportId="{me}_transport">
  <tp:TransportSender><tp:TransportProtocol tp:version="1.1">HTTP</tp:TransportProtocol>
   <tp:TransportClientSecurity><tp:TransportSecurityProtocol tp:version="1.2">TLS</tp:TransportSecurityProtocol>
    <tp:ClientCertificateRef tp:certId="{me}_cert"/>
    <tp:ServerSecurityDetailsRef tp:securityId="{other}_security"/></tp:TransportClientSecurity>
  </tp:TransportSender>
  <tp:TransportReceiver><tp:TransportProtocol tp:version="1.1">HTTP</tp:TransportProtocol>
   <tp:Endpoint tp:uri="https://{me}.example/ebms" tp:type="allPurpose"/>
   <tp:TransportServerSecurity><tp:TransportSecurityProtocol tp:version="1.2">TLS</tp:TransportSecurityProtocol>
    <tp:ServerCertificateRef tp:certId="{me}_cert"/>
    <tp:ClientSecurityDetailsRef tp:securityId="{other}_security"/></tp:TransportServerSecurity></tp:TransportReceiver>
 </tp:Transport>
 <tp:DocExchange tp:docExchangeId="{me}_be"><tp:ebXMLSenderBinding tp:version="2.0">{signing}
 </tp:ebXMLSenderBinding></tp:DocExchange>
 <tp:DocExchange tp:docExchangeId="{me}_rm">
  <tp:ebXMLSenderBinding tp:version="2.0"><tp:ReliableMessaging>
   <tp:Retries>5</tp:Retries><tp:RetryInterval>PT5M</tp:RetryInterval>
   <tp:MessageOrderSemantics>
     NotGuaranteed
   </tp:MessageOrderSemantics>
  </tp:ReliableMessaging>
  <tp:PersistDuration>P1D</tp:PersistDuration>{signing}
  </tp:ebXMLSenderBinding>
  <tp:ebXMLReceiverBinding tp:version="2.0"><tp:PersistDuration>P1D</tp:PersistDuration></tp:ebXMLReceiverBinding>
 </tp:DocExchange>
</tp:PartyInfo>"""

_CPA = """<?xml version="1.0" encoding="UTF-8"?>
<tp:CollaborationProtocolAgreement xmlns:tp="http://www.oasis-open.org/committees/ebxml-cppa/schema/cpp-cpa-2_0.xsd"
  xmlns:ds="http://www.w3.org/2000/09/xmldsig#" xmlns:xlink="http://www.w3.org/1999/xlink"
  tp:cpaid="cpa-notificaties-1" tp:version="2_0b">
<tp:Status tp:value="agreed"/>
<tp:Start>2026-01-01T00:00:00Z</tp:Start>
<tp:End>2027-01-01T00:00:00Z</tp:End>{parties}
<tp:SimplePart tp:id="Header" tp:mimetype="text/xml"/>
<tp:Packaging tp:id="Pack">
 <tp:ProcessingCapabilities tp:parse="true" tp:generate="true"/>
 <tp:CompositeList><tp:Composite tp:id="Message" tp:mimetype="multipart/related"><tp:Constituent tp:idref="Header"/>
 </tp:Composite></tp:CompositeList>
</tp:Packaging>
</tp:CollaborationProtocolAgreement>"""


def cpa_document(*, signed: bool = False, ack_signed: bool = False, certificate: bytes = _FAKE_CERTIFICATE) -> str:
    """DSO sends `notificeer` and GEMEENTE answers `bevestig`, both reliable; both parties have one certificate."""
    shared = {
        "signed": str(signed).lower(),
        "ack_signed": "always" if ack_signed else "never",
        "certificate": base64.encodebytes(certificate).decode(),
    }
    parties = [
        _party(
            "dso", "gemeente", "DSO-LV", DSO, "Bronhouder", {"notificeer": "CanSend", "bevestig": "CanReceive"}, shared
        ),
        _party(
            "gemeente",
            "dso",
            "Gemeente Voorbeeld",
            GEMEENTE,
            "Ontvanger",
            {"bevestig": "CanSend", "notificeer": "CanReceive"},
            shared,
        ),
    ]
    return _CPA.format(parties="".join(parties))


def _party(
    me: str, other: str, name: str, party_id: str, role: str, actions: dict[str, str], shared: dict[str, str]
) -> str:
    bindings = "".join(
        _CAN.format(me=me, other=other, action=action, can=can, **shared) for action, can in actions.items()
    )
    return _PARTY.format(
        me=me,
        other=other,
        name=name,
        party_id=party_id,
        role=role,
        bindings=bindings,
        signing=_SIGNING.format(me=me),
        **shared,
    )


def changed(pattern: str, replacement: str, *, count: int = 1, document: str | None = None) -> str:
    """Our CPA, or `document`, with what fits `pattern` replaced; something must."""
    made, found = re.subn(pattern, replacement, document or cpa_document(), count=count)
    assert found, f"nothing to change: {pattern}"
    return made
