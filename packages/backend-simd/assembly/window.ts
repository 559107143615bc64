// Windows that slide over images [batch, height, width, channels]: the geometry of convolution and pooling, as
// fourteen i32 in memory, in the order in which src/kernels/window.ts writes them. Output pixel (y, x) sees the input
// at (y·strideY − top + fy·dilationY, x·strideX − left + fx·dilationX), where that lies inside the image.

/** @param field one of the constants below */
@inline
export function geometry(g: usize, field: usize): i32 {
  return load<i32>(g + (field << 2));
}

// Field 0 is the batch size.
export const HEIGHT: usize = 1;
export const WIDTH: usize = 2;
export const CHANNELS: usize = 3;
export const OUT_HEIGHT: usize = 4;
export const OUT_WIDTH: usize = 5;
export const WINDOW_HEIGHT: usize = 6;
export const WINDOW_WIDTH: usize = 7;
export const STRIDE_Y: usize = 8;
export const STRIDE_X: usize = 9;
export const DILATION_Y: usize = 10;
export const DILATION_X: usize = 11;
export const TOP: usize = 12;
export const LEFT: usize = 13;
