"""A video, image sequence, webcam or stream becomes FaceFrames, and BodyFrames where a body is asked for.

`sources` opens what is followed (`sources_live`, `mjpeg`, `cameras`: what is live). `tracker` follows a face,
`drawn` a drawn one, `following` several in one picture; `person` follows face and body at once, `body` joins `pose`,
`hands` and `palms`. The networks, each with a card in `models/`, are opened by

* face_detector: `detection`, for `tracker` and `drawn`; face_mesh: `tracker`
* pose_detector: `detection`, for `pose` and (who else is there) `company`; pose: `pose`
* palm_detector: `detection`, for `palms`; hand_recrop, hand: `hands`, once for all hands
"""
