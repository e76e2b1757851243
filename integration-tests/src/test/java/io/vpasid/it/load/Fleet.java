package io.vpasid.it.load;

import java.util.Locale;

/// From which size on a fleet is too large to be audited by one machine, as told by how a scan
/// grows.
///
/// @param perSecond functions that one machine scans in a second, its start left out
/// @param perServer functions of a server
/// @param processors of the machine
record Fleet(double perSecond, int perServer, int processors) {
  private static final int[] SERVERS = {1_000, 10_000, 100_000, 1_000_000, 10_000_000};
  private static final int SHORT_MINUTES = 10;
  private static final int LONG_MINUTES = 60;

  String text() {
    StringBuilder text = new StringBuilder();
    text.append(
        """
        One machine like this one, of %d processors, scans %s functions a second: what the last step above adds. With %d functions
        in a server, from a file for each that is on its disk:

        | servers | functions | one machine takes | machines for %d minutes |
        |---|---|---|---|
        """
            .formatted(processors, Spread.number(perSecond), perServer, SHORT_MINUTES));
    for (int servers : SERVERS) {
      double functions = (double) servers * perServer;
      double seconds = functions / perSecond;
      text.append(
          String.format(
              Locale.ROOT,
              "| %,d | %,.0f | %s | %,.0f |%n",
              servers,
              functions,
              duration(seconds),
              Math.ceil(seconds / (60 * SHORT_MINUTES))));
    }
    text.append(
        "\nSo one machine is no longer enough above %s servers if the audit may take %d minutes, and above %s if it may take %d."
            .formatted(
                Spread.number(servers(SHORT_MINUTES)),
                SHORT_MINUTES,
                Spread.number(servers(LONG_MINUTES)),
                LONG_MINUTES));
    text.append(
        """

        A scan keeps counts and no functions, so machines share a fleet by its folders and nothing else, and more processors in one
        machine serve as well.
        """);
    return text.toString();
  }

  /// How many servers one machine audits in some minutes.
  private double servers(int minutes) {
    return perSecond * 60 * minutes / perServer;
  }

  private static String duration(double seconds) {
    return seconds < 90
        ? Spread.number(seconds) + " s"
        : seconds < 5400
            ? Spread.number(seconds / 60) + " min"
            : Spread.number(seconds / 3600) + " h";
  }
}
