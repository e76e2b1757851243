package io.vpasid.guest.config;

import java.io.IOException;
import java.nio.file.AccessDeniedException;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.Iterator;
import java.util.List;
import java.util.NoSuchElementException;
import java.util.function.Consumer;

/// The files in some folders and below, each folder by name, so that the order is the same on every
/// machine; one at a time, so that only the folders on the way are in memory.
///
/// Names that begin with a dot and links to folders are left out, except where they are named.
public final class DumpFolders implements Iterator<Path> {
  private final Deque<Iterator<Path>> open = new ArrayDeque<>();
  private final Consumer<Unread> problems;
  private Path next = Path.of("");
  private boolean hasNext;

  /// @param paths files and folders
  /// @param problems receives the folders that cannot be listed
  public DumpFolders(List<Path> paths, Consumer<Unread> problems) {
    this.problems = problems;
    open.push(paths.iterator());
    advance();
  }

  @Override
  public boolean hasNext() {
    return hasNext;
  }

  @Override
  public Path next() {
    if (!hasNext) {
      throw new NoSuchElementException();
    }
    Path found = next;
    advance();
    return found;
  }

  private void advance() {
    hasNext = false;
    while (!hasNext && !open.isEmpty()) {
      if (!open.peek().hasNext()) {
        open.pop();
        continue;
      }
      boolean named = open.size() == 1;
      Path path = open.peek().next();
      if (named ? Files.isDirectory(path) : Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS)) {
        open.push(list(path).iterator());
      } else if (named || Files.isRegularFile(path)) {
        next = path;
        hasNext = true;
      }
    }
  }

  private List<Path> list(Path folder) {
    List<Path> entries = new ArrayList<>();
    try (DirectoryStream<Path> stream = Files.newDirectoryStream(folder)) {
      for (Path entry : stream) {
        if (!entry.getFileName().toString().startsWith(".")) {
          entries.add(entry);
        }
      }
    } catch (AccessDeniedException _) {
      problems.accept(
          new Unread(
              folder + ": may not be listed: run this as root or change the permissions", true));
    } catch (IOException | DirectoryIteratorException e) {
      problems.accept(new Unread(folder + ": cannot be listed: " + e.getMessage(), false));
    }
    Collections.sort(entries);
    return entries;
  }
}
