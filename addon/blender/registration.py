"""What Blender is told about, in order; taken back in the opposite order."""
from __future__ import annotations

import atexit
import logging

import bpy

from . import (
    actors,
    asset_library,
    body_face_panel,
    compat,
    control_list,
    control_panel,
    first_run,
    folders,
    learn_panel,
    learning_job,
    live_keys,
    live_operators,
    live_panel,
    live_properties,
    live_puppet,
    live_session,
    operators,
    panels,
    preferences,
    preset_operators,
    properties,
    readiness,
    rig_operators,
    robot_calibration,
    robot_keys,
    robot_operators,
    robot_panel,
    robot_properties,
    robot_session,
    thumbnails,
    tracking_job,
    transfer_panel,
    translations,
    user_files,
)

_log = logging.getLogger(__name__)

CLASSES = (
    control_list.SEMBLANCE_PG_signal,
    control_list.SEMBLANCE_PG_control,
    control_list.SEMBLANCE_PG_rig,
    actors.SEMBLANCE_PG_kept,
    actors.SEMBLANCE_PG_value,
    actors.SEMBLANCE_PG_actor,
    transfer_panel.SEMBLANCE_PG_transfer,
    learn_panel.SEMBLANCE_PG_key_pose,
    properties.SEMBLANCE_PG_settings,
    live_puppet.SEMBLANCE_PG_before,
    live_properties.SEMBLANCE_PG_live,
    robot_properties.SEMBLANCE_PG_robot_port,
    robot_properties.SEMBLANCE_PG_robot_part,
    robot_properties.SEMBLANCE_PG_robot,
    robot_properties.SEMBLANCE_PG_robot_row,
    robot_properties.SEMBLANCE_PG_robot_view,
    preferences.SEMBLANCE_preferences,
    preferences.SEMBLANCE_OT_folder_open,
    user_files.SEMBLANCE_OT_user_files_keep,
    user_files.SEMBLANCE_OT_user_files_bring_back,
    first_run.SEMBLANCE_OT_try_it,
    first_run.SEMBLANCE_OT_try_it_leave,
    first_run.SEMBLANCE_OT_welcome_skip,
    first_run.SEMBLANCE_MT_help,
    first_run.SEMBLANCE_PT_welcome,
    operators.SEMBLANCE_OT_take_track,
    operators.SEMBLANCE_OT_take_cancel,
    operators.SEMBLANCE_OT_take_apply,
    operators.SEMBLANCE_OT_take_compare,
    operators.SEMBLANCE_OT_cast_find,
    operators.SEMBLANCE_OT_neutral_set,
    operators.SEMBLANCE_OT_readiness_check,
    operators.SEMBLANCE_OT_preferences_show,
    rig_operators.SEMBLANCE_OT_character_add,
    rig_operators.SEMBLANCE_OT_rig_use,
    rig_operators.SEMBLANCE_OT_rig_find_again,
    rig_operators.SEMBLANCE_OT_rig_forget,
    rig_operators.SEMBLANCE_OT_controls_list,
    rig_operators.SEMBLANCE_OT_controls_reset,
    rig_operators.SEMBLANCE_OT_controls_enable,
    rig_operators.SEMBLANCE_OT_follow_add,
    rig_operators.SEMBLANCE_OT_follow_remove,
    rig_operators.SEMBLANCE_OT_neutral_from_pose,
    preset_operators.SEMBLANCE_OT_preset_save,
    preset_operators.SEMBLANCE_OT_preset_load,
    preset_operators.SEMBLANCE_OT_preset_import,
    preset_operators.SEMBLANCE_OT_preset_export,
    preset_operators.SEMBLANCE_OT_preset_delete,
    learn_panel.SEMBLANCE_OT_rig_learn,
    learn_panel.SEMBLANCE_OT_rig_learn_cancel,
    learn_panel.SEMBLANCE_OT_learned_forget,
    learn_panel.SEMBLANCE_OT_key_pose_set,
    learn_panel.SEMBLANCE_OT_key_poses_clear,
    learn_panel.SEMBLANCE_OT_key_poses_learn,
    control_panel.SEMBLANCE_UL_controls,
    control_panel.SEMBLANCE_MT_presets,
    control_panel.SEMBLANCE_MT_rig,
    live_panel.SEMBLANCE_PT_live,
    live_panel.SEMBLANCE_PT_live_cast,
    live_panel.SEMBLANCE_PT_live_source,
    live_panel.SEMBLANCE_PT_live_performer,
    live_panel.SEMBLANCE_PT_live_face,
    live_panel.SEMBLANCE_PT_live_recording,
    live_panel.SEMBLANCE_PT_live_keys,
    panels.SEMBLANCE_PT_cast,
    panels.SEMBLANCE_UL_actors,
    panels.SEMBLANCE_PT_performance,
    panels.SEMBLANCE_PT_face,
    panels.SEMBLANCE_PT_style,
    learn_panel.SEMBLANCE_PT_learn,
    control_panel.SEMBLANCE_PT_controls,
    panels.SEMBLANCE_PT_performer,
    panels.SEMBLANCE_PT_keys,
    transfer_panel.SEMBLANCE_OT_take_transfer,
    transfer_panel.SEMBLANCE_OT_pose_pair_add,
    transfer_panel.SEMBLANCE_OT_pose_pair_remove,
    transfer_panel.SEMBLANCE_PT_transfer,
    body_face_panel.SEMBLANCE_PG_body_face,
    body_face_panel.SEMBLANCE_OT_face_from_body,
    body_face_panel.SEMBLANCE_PT_body_face,
    live_operators.SEMBLANCE_OT_live_toggle,
    live_operators.SEMBLANCE_OT_live_reopen,
    live_operators.SEMBLANCE_OT_cameras_find,
    live_operators.SEMBLANCE_OT_live_neutral,
    live_operators.SEMBLANCE_OT_live_range,
    live_operators.SEMBLANCE_OT_live_record,
    live_operators.SEMBLANCE_OT_live_mark,
    live_operators.SEMBLANCE_OT_live_refine,
    live_operators.SEMBLANCE_OT_live_show,
    robot_operators.SEMBLANCE_OT_robot_design,
    robot_operators.SEMBLANCE_OT_robot_design_open,
    robot_operators.SEMBLANCE_OT_robot_unit,
    robot_operators.SEMBLANCE_OT_robot_port,
    robot_operators.SEMBLANCE_OT_robot_connect,
    robot_operators.SEMBLANCE_OT_robot_disconnect,
    robot_operators.SEMBLANCE_OT_robot_arm,
    robot_operators.SEMBLANCE_OT_robot_hold,
    robot_operators.SEMBLANCE_OT_robot_rest,
    robot_operators.SEMBLANCE_OT_robot_stop,
    robot_operators.SEMBLANCE_OT_robot_live,
    robot_operators.SEMBLANCE_OT_robot_play,
    robot_operators.SEMBLANCE_OT_robot_twin,
    robot_operators.SEMBLANCE_OT_robot_log,
    robot_calibration.SEMBLANCE_OT_robot_mark,
    robot_calibration.SEMBLANCE_OT_robot_step,
    robot_calibration.SEMBLANCE_OT_robot_unit_save,
    robot_panel.SEMBLANCE_UL_robot_meters,
    robot_panel.SEMBLANCE_PT_robot,
    robot_panel.SEMBLANCE_PT_robot_meters,
    robot_panel.SEMBLANCE_PT_robot_process,
    robot_panel.SEMBLANCE_PT_robot_calibration,
)


@bpy.app.handlers.persistent
def _before_exit(*_: object) -> None:
    """No child process outlives Blender."""
    tracking_job.stop()
    learning_job.stop()
    live_session.leave()
    robot_session.leave()


def register() -> None:
    """Called when the extension is enabled."""
    translations.register()
    for cls in CLASSES:
        bpy.utils.register_class(cls)
    bpy.types.Scene.semblance = bpy.props.PointerProperty(type=properties.SEMBLANCE_PG_settings)
    preferences.register()
    asset_library.register()
    learn_panel.register()
    body_face_panel.register()
    live_properties.register()
    live_session.register()
    live_keys.register()
    folders.share_user_folder()
    robot_properties.register()
    robot_session.register()
    robot_keys.register()
    compat.exit_handlers().append(_before_exit)
    atexit.register(_before_exit)
    thumbnails.register(readiness.refresh().characters)


def unregister() -> None:
    """Called when it is disabled: nothing of ours stays, also while a source is being tracked."""
    operators.SEMBLANCE_OT_take_track.stop()
    first_run.SEMBLANCE_OT_try_it.stop()
    asset_library.unregister()
    preferences.unregister()
    tracking_job.failures.clear()
    body_face_panel.unregister()
    learn_panel.unregister()
    robot_keys.unregister()
    robot_session.unregister()
    robot_properties.unregister()
    folders.unshare_user_folder()
    live_keys.unregister()
    live_session.unregister()
    live_properties.unregister()
    atexit.unregister(_before_exit)
    if _before_exit in compat.exit_handlers():
        compat.exit_handlers().remove(_before_exit)
    if hasattr(bpy.types.Scene, "semblance"):
        del bpy.types.Scene.semblance
    thumbnails.unregister()
    for cls in reversed(CLASSES):
        try:
            bpy.utils.unregister_class(cls)
        except RuntimeError:
            _log.exception("Semblance could not unregister %s", cls.__name__)
    translations.unregister()
