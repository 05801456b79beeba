target datalayout = "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-f32:32:32-f64:64:64-v16:16:16-v32:32:32-v64:64:64-v128:128:128-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

define internal i32 @root$0(i64 %p0, double %p1, double* %r0) nounwind convergent alwaysinline {
b0:
  %o5.0 = alloca double
  %v4 = icmp slt i64 %p0, 0
  br i1 %v4, label %b1, label %b2
b1:
  %v5 = call i32 @inverse$1(double %p1, double* %o5.0)
  %t0 = icmp ne i32 %v5, 0
  br i1 %t0, label %b1.raise1, label %b1.1
b1.raise1:
  ret i32 %v5
b1.1:
  %v6 = load double, double* %o5.0
  br label %b3
b2:
  %v8 = call double @twice$2(double %p1)
  br label %b3
b3:
  %v11 = phi double [ %v6, %b1.1 ], [ %v8, %b2 ]
  store double %v11, double* %r0
  ret i32 0
}

define internal i32 @inverse$1(double %p0, double* %r0) nounwind convergent inlinehint {
b0:
  %v2 = fcmp oeq double %p0, 0x0000000000000000
  br i1 %v2, label %b1, label %b2
b1:
  ret i32 1
b2:
  %v5 = fdiv double 0x3FF0000000000000, %p0
  store double %v5, double* %r0
  ret i32 0
}

define internal double @twice$2(double %p0) nounwind convergent inlinehint {
b0:
  %v2 = fadd double %p0, %p0
  ret double %v2
}

define double @naja_root$0(i64 %a0, double %a1) nounwind convergent {
  %t0 = alloca double
  %t1 = call i32 @root$0(i64 %a0, double %a1, double* %t0)
  %t2 = load double, double* %t0
  ret double %t2
}

!0 = !{i32 2, i32 0, i32 3, i32 1}
!nvvmir.version = !{!0}
