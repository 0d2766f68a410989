"""The extension's code, in rooms; only `blender` knows bpy, so every other room imports without it."""

__version__ = "0.1.0"


def register() -> None:
    """Enable the extension in Blender."""
    from .blender import registration

    registration.register()


def unregister() -> None:
    """Disable the extension in Blender."""
    from .blender import registration

    registration.unregister()
