package io.vpasid.guest.report;

import com.fasterxml.jackson.annotation.JsonValue;

/// An offset or an id, which text and JSON write as in `0x230`: in hexadecimal, with three digits
/// at least.
public record Hex(int value) {

  @JsonValue
  @Override
  public String toString() {
    return Json.hex(value);
  }
}
