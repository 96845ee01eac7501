"""Which components are installed, and how to make one."""

from jepa_core.registry.registry import Component, Registry

__all__ = ["Component", "Registry"]
