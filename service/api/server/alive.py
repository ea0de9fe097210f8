"""Does the service of this container answer? For HEALTHCHECK; exit status 0 says that it does.

python -m service.api.server.alive [PORT]
"""

from __future__ import annotations

import http.client
import os
import ssl
import sys

_SECONDS = 4


def answers(port: int, tls: bool) -> bool:
    """Whether /livez on the loopback address is 200.

    With TLS the certificate is not checked: it names the service, not this address.
    """
    link: http.client.HTTPConnection
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
        link = http.client.HTTPSConnection("127.0.0.1", port, timeout=_SECONDS, context=context)
    else:
        link = http.client.HTTPConnection("127.0.0.1", port, timeout=_SECONDS)
    try:
        link.request("GET", "/livez")
        return link.getresponse().status == http.client.OK
    except (OSError, http.client.HTTPException):
        return False
    finally:
        link.close()


def main() -> int:
    """The exit status."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 8080
    return 0 if answers(port, bool(os.environ.get("MTC_PREFLIGHT_TLS_CERT_FILE"))) else 1


if __name__ == "__main__":
    sys.exit(main())
