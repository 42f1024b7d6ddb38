/* Executes shell commands, each ended by a zero byte in the file named, two at a time: what no engine can go below. */
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

extern char **environ;

static void await(void) {
    int status;
    if (wait(&status) < 0 || status != 0) {
        exit(1);
    }
}

int main(int count, char **arguments) {
    FILE *file = count == 2 ? fopen(arguments[1], "rb") : NULL;
    char *command = NULL;
    size_t room = 0;
    int running = 0;
    if (file == NULL) {
        return 2;
    }
    while (getdelim(&command, &room, '\0', file) > 1) {
        char *child[] = {"sh", "-e", "-c", command, NULL};
        pid_t pid;
        if (running == 2) {
            await();
            running -= 1;
        }
        if (posix_spawn(&pid, "/bin/sh", NULL, NULL, child, environ) != 0) {
            return 1;
        }
        running += 1;
    }
    for (; running > 0; running -= 1) {
        await();
    }
    return 0;
}
