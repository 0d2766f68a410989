"""The only room that knows bpy: binding to rigs, keys, operators, panels, rendering."""
