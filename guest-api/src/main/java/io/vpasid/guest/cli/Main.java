package io.vpasid.guest.cli;

/// The command line `vpasid`.
public final class Main {
  private Main() {}

  /// Runs one command.
  public static void main(String[] arguments) {
    System.out.println("vpasid " + String.join(" ", arguments));
  }
}
