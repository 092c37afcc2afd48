"""Accounts, approvals and the figures of operators."""
