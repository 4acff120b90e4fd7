"""Mistakes of our own code around tenants, and how a job ends; none is an answer to a client."""

from __future__ import annotations


class NoTenantError(RuntimeError):
    """A query was made without saying for whom: neither a tenant's environment nor the platform."""


class NotInTransactionError(RuntimeError):
    """A tenant's query was made outside `in_environment`, where no role would hold it."""


class LeaseLostError(RuntimeError):
    """Another worker has taken the job over; what this one did must not be committed."""


class JobFailedError(Exception):
    """The job cannot succeed however often it is tried; the message is for the tenant."""
