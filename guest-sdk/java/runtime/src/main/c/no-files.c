// Files, as TeaVM's library asks for them: there are none. Folders of the host are reached by the capability `files`.
#include <stdint.h>
#include <stdlib.h>
#include <uchar.h>

// A path that the caller frees.
static int32_t root(char16_t** path) {
    *path = malloc(2 * sizeof(char16_t));
    if (!*path) __builtin_trap();
    (*path)[0] = u'/';
    (*path)[1] = 0;
    return 1;
}

int32_t teavm_file_homeDirectory(char16_t** path) { return root(path); }
int32_t teavm_file_workDirectory(char16_t** path) { return root(path); }
int32_t teavm_file_tempDirectory(char16_t** path) { return root(path); }
int32_t teavm_file_isFile(char16_t* name, int32_t length) { return 0; }
int32_t teavm_file_isDir(char16_t* name, int32_t length) { return 0; }
int32_t teavm_file_exists(char16_t* name, int32_t length) { return 0; }
int32_t teavm_file_canRead(char16_t* name, int32_t length) { return 0; }
int32_t teavm_file_canWrite(char16_t* name, int32_t length) { return 0; }
void* teavm_file_listFiles(char16_t* name, int32_t length) { return NULL; }
int32_t teavm_file_createDirectory(char16_t* name, int32_t length) { return 0; }
int32_t teavm_file_createFile(char16_t* name, int32_t length) { return 2; }
int32_t teavm_file_delete(char16_t* name, int32_t length) { return 0; }
int32_t teavm_file_rename(char16_t* name, int32_t length, char16_t* to, int32_t to_length) { return 0; }
int64_t teavm_file_lastModified(char16_t* name, int32_t length) { return 0; }
int32_t teavm_file_setLastModified(char16_t* name, int32_t length, int64_t time) { return 0; }
int32_t teavm_file_setReadonly(char16_t* name, int32_t length, int32_t readonly) { return 0; }
int32_t teavm_file_length(char16_t* name, int32_t length) { return 0; }
int64_t teavm_file_open(char16_t* name, int32_t length, int32_t mode) { return 0; }
int32_t teavm_file_close(int64_t file) { return 0; }
int32_t teavm_file_flush(int64_t file) { return 0; }
int32_t teavm_file_seek(int64_t file, int32_t whence, int32_t offset) { return 0; }
int32_t teavm_file_tell(int64_t file) { return 0; }
int32_t teavm_file_read(int64_t file, int8_t* to, int32_t offset, int32_t length) { return 0; }
int32_t teavm_file_write(int64_t file, int8_t* from, int32_t offset, int32_t length) { return 0; }
int32_t teavm_file_truncate(int64_t file, int32_t length) { return 0; }
int32_t teavm_file_isWindows(void) { return 0; }

int32_t teavm_file_canonicalize(char16_t* path, int32_t length, char16_t** result) {
    *result = malloc((size_t) (length + 1) * sizeof(char16_t));
    if (!*result) __builtin_trap();
    for (int32_t i = 0; i < length; i++) (*result)[i] = path[i];
    (*result)[length] = 0;
    return length;
}
