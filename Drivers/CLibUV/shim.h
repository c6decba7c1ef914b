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

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

// Keeps this thread, and those that it starts from now on, on one processor. The C library's sets of
// processors are macros, which the importer leaves out.
static inline int synod_stay_on_processor(unsigned int processor) {
  unsigned long set[64] = {0};
  const unsigned int width = 8 * sizeof set[0];
  if (processor >= 64 * width) {
    errno = EINVAL;
    return -1;
  }
  set[processor / width] = 1UL << processor % width;
  return (int)syscall(SYS_sched_setaffinity, 0, sizeof set, set);
}
#else
#include <errno.h>

static inline int synod_die_with_parent(void) { return -1; }

static inline int synod_stay_on_processor(unsigned int processor) {
  (void)processor;
  errno = ENOSYS;
  return -1;
}
#endif

#ifdef __linux__
#include <linux/aio_abi.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

// The kernel's asynchronous writes have no functions in the C library.
static inline int synod_aio_open(aio_context_t *context) {
  *context = 0;
  return (int)syscall(SYS_io_setup, 1, context);
}

static inline void synod_aio_close(aio_context_t context) { syscall(SYS_io_destroy, context); }

// Begins a write that gives up where it would wait, and tells `event` when it has ended.
static inline int synod_aio_write(aio_context_t context, int descriptor, const void *bytes,
                                  size_t count, int64_t offset, int event) {
  struct iocb request;
  memset(&request, 0, sizeof request);
  request.aio_lio_opcode = IOCB_CMD_PWRITE;
  request.aio_fildes = (uint32_t)descriptor;
  request.aio_buf = (uint64_t)(uintptr_t)bytes;
  request.aio_nbytes = count;
  request.aio_offset = offset;
  request.aio_flags = IOCB_FLAG_RESFD;
  request.aio_resfd = (uint32_t)event;
  request.aio_rw_flags = RWF_NOWAIT;
  struct iocb *requests[1] = {&request};
  return (int)syscall(SYS_io_submit, context, 1, requests);
}

// 1 where a write has ended, with the bytes that it wrote or an error below zero.
static inline int synod_aio_ended(aio_context_t context, int64_t *result) {
  struct io_event event;
  int count = (int)syscall(SYS_io_getevents, context, 0, 1, &event, 0);
  if (count == 1) *result = event.res;
  return count;
}
#endif
