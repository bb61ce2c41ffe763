export interface GrayPicture {
  readonly width: number;
  readonly height: number;
  readonly gray: Uint8Array;
}

export function drawText(fontFile: string, text: string, size: number, margin?: number): GrayPicture;
export function encodePng(picture: GrayPicture): Uint8Array;
