package io.vpasid.guest.report;

import io.vpasid.pci.ByteRange;
import java.util.ArrayList;
import java.util.List;

/// The rows of the map in a [picture][SvgPicture]: which bytes are where. Several rows that look
/// alike are one band.
final class SvgRows {
  /// Bytes in a row, and pixels of each.
  static final int ROW_BYTES = 32;

  static final int CELL = 15;
  static final int ROW = 24;

  /// Height of a row that stands for several, and how many there have to be.
  static final int BAND = 34;

  private static final int BAND_ROWS = 3;

  static final int GRID_X = 52;
  static final int GRID_END = GRID_X + ROW_BYTES * CELL;

  private final OccupancyPicture picture;
  private final List<Slot> slots = new ArrayList<>();

  /// One line of the drawing: a row, or several that look alike.
  ///
  /// @param offset of the first byte
  /// @param rows number of rows
  /// @param y of its upper edge
  record Slot(int offset, int rows, int y) {
    boolean isBand() {
      return rows >= BAND_ROWS;
    }

    int height() {
      return isBand() ? BAND : ROW;
    }

    int bottom() {
      return y + height();
    }

    int end() {
      return offset + rows * ROW_BYTES;
    }
  }

  /// The part of a run that lies in one slot.
  record Box(Slot slot, int x, int width) {}

  /// @param top the upper edge of the first row
  SvgRows(OccupancyPicture picture, int top) {
    this.picture = picture;
    int y = top;
    int at = 0;
    while (at < picture.size()) {
      int alike = rowsLike(at);
      Slot slot = new Slot(at, alike >= BAND_ROWS ? alike : 1, y);
      slots.add(slot);
      y = slot.bottom();
      at = slot.end();
    }
  }

  /// All, from the first byte on.
  List<Slot> all() {
    return slots;
  }

  /// The lower edge of the last.
  int bottom() {
    return slots.getLast().bottom();
  }

  /// How many rows from `offset` on have one and the same area all over.
  private int rowsLike(int offset) {
    int area = picture.areaIndexAt(offset);
    int at = offset;
    while (at < picture.size() && picture.areaIndexAt(at) == area) {
      at++;
    }
    return Math.max(1, (at - offset) / ROW_BYTES);
  }

  /// The parts of a run, in the order of rows.
  List<Box> boxes(ByteRange run) {
    List<Box> boxes = new ArrayList<>();
    for (Slot slot : slots) {
      int from = Math.max(run.offset(), slot.offset());
      int to = Math.min(run.end(), slot.end());
      if (from < to) {
        boxes.add(
            slot.isBand()
                ? new Box(slot, GRID_X, ROW_BYTES * CELL)
                : new Box(slot, GRID_X + (from - slot.offset()) * CELL, (to - from) * CELL));
      }
    }
    return boxes;
  }

  /// The row of a byte.
  Slot of(int offset) {
    for (Slot slot : slots) {
      if (offset < slot.end()) {
        return slot;
      }
    }
    return slots.getLast();
  }
}
