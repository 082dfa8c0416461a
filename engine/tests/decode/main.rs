//! Decoding: every shape of event, every rejection, and what must hold for any bytes at all.

mod documentation;
mod fixture;
mod properties;
mod rejections;
mod shapes;
