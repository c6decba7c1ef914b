#include <uv.h>

// Declared by the C library only under _GNU_SOURCE, which the importer does not set.
extern int accept4(int, struct sockaddr *, socklen_t *, int);
extern int pthread_setname_np(pthread_t, const char *);

static inline int synod_accept4(int descriptor, int flags) {
  return accept4(descriptor, 0, 0, flags);
}

static inline void synod_name_this_thread(const char *name) {
  pthread_setname_np(pthread_self(), name);
}

#ifdef __linux__
#include <signal.h>
#include <sys/prctl.h>

// prctl takes a variable list, which the importer leaves out.
static inline int synod_die_with_parent(void) { return prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); }
#else
static inline int synod_die_with_parent(void) { return -1; }
#endif
