"""A video, image sequence, webcam or stream becomes FaceFrames."""
