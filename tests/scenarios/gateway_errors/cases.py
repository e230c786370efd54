"""All cases by name."""

from tests.scenarios.gateway_errors import chaincodes, following, proposals, submitting, system

CASES = {
    case.name: case for module in (proposals, chaincodes, submitting, following, system) for case in module.cases()
}
