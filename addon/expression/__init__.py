"""FaceFrames become Expressions: what the face means, calibrated to its performer."""
