"""``jepa-run env``: what to paste into a bug report."""

from __future__ import annotations


def env() -> None:
    """Print versions, device and threads, to paste into a bug report."""
    import platform

    import torch

    from jepa_core.assembly.git_revision import git_revision
    from jepa_core.assembly.provenance import versions
    from jepa_core.display.terminal import print_table
    from jepa_core.registry import Registry

    registry = Registry.discover()
    rows = {
        **versions(),
        "platform": platform.platform(),
        "device": torch.cuda.get_device_name() if torch.cuda.is_available() else "cpu",
        "plugins": ", ".join(f"{name} {version}" for name, version in registry.distributions().items()),
        "broken plugins": ", ".join(broken.plugin.name for broken in registry.broken) or "none",
        "git revision": git_revision() or "not in a checkout",
    }
    print_table(("what", "value"), rows.items())
