#include <crypt.h>
#include <stdlib.h>
#include <string.h>

// The library's work area is 32 KiB, too large for Swift to import as a value.

// Writes the hash of `password` to `out`, which has CRYPT_OUTPUT_SIZE bytes. `setting` names the method,
// its cost and the salt; a whole hash will do. 0 where there is no such method.
static inline int synod_hash_password(const char *password, const char *setting, char *out) {
  struct crypt_data *work = (struct crypt_data *)calloc(1, sizeof *work);
  if (!work) return 0;
  char *hash = crypt_rn(password, setting, work, sizeof *work);
  int done = hash && strlen(hash) < CRYPT_OUTPUT_SIZE;
  if (done) strcpy(out, hash);
  explicit_bzero(work, sizeof *work);
  free(work);
  return done;
}

// Writes a setting of the best method with its usual cost, and a salt that the system draws. 0 where
// that cannot be done.
static inline int synod_draw_setting(char *out) {
  return crypt_gensalt_rn("$y$", 0, 0, 0, out, CRYPT_GENSALT_OUTPUT_SIZE) != 0;
}

// Whether `setting` names a method that is good enough for new passwords.
static inline int synod_is_strong_setting(const char *setting) {
  return crypt_checksalt(setting) == CRYPT_SALT_OK;
}
