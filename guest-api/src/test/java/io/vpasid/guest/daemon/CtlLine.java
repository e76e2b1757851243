package io.vpasid.guest.daemon;

import io.vpasid.guest.control.ControlClient;
import java.io.IOException;
import java.util.LinkedHashMap;
import java.util.Map;
import tools.jackson.databind.JsonNode;

/// Control commands as one writes them behind `vpasid ctl`.
final class CtlLine {
  private CtlLine() {}

  /// Sends a command such as `pasid-attach function=vf pasid=7 space=shell`.
  static JsonNode call(ControlClient client, String line) throws IOException {
    String[] words = line.split(" ", -1);
    Map<String, String> arguments = new LinkedHashMap<>();
    for (int i = 1; i < words.length; i++) {
      String[] argument = words[i].split("=", 2);
      arguments.put(argument[0], argument[1]);
    }
    return client.execute(words[0], arguments);
  }
}
