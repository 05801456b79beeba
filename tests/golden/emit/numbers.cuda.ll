target datalayout = "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-f32:32:32-f64:64:64-v16:16:16-v32:32:32-v64:64:64-v128:128:128-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

define internal void @numbers$0(double %p0, float %p1, i32 %p2, i64 %p3, i1 %p4, double* %r0, float* %r1, i64* %r2, i64* %r3, i8* %r4, i32* %r5, i8* %r6) nounwind convergent alwaysinline {
b0:
  %v6 = fsub double -0.0, %p0
  %v7 = call float @__nv_fmodf(float %p1, float 0x4008000000000000)
  %v8 = fptosi double %p0 to i64
  %t1 = fcmp oge double %p0, 0x43E0000000000000
  %t2 = fsub double %p0, 0x43E0000000000000
  %t3 = select i1 %t1, double %t2, double %p0
  %t0 = fptosi double %t3 to i64
  %t4 = select i1 %t1, i64 -9223372036854775808, i64 0
  %v9 = xor i64 %t0, %t4
  %t5 = fptosi float %p1 to i32
  %v10 = trunc i32 %t5 to i8
  %t6 = call i32 @llvm.cttz.i32(i32 %p2, i1 false)
  %t7 = add i32 %t6, 1
  %t8 = icmp eq i32 %p2, 0
  %v11 = select i1 %t8, i32 0, i32 %t7
  %v12 = call i32 @llvm.ctlz.i32(i32 %v11, i1 false)
  %v13 = call i32 @llvm.ctpop.i32(i32 %v12)
  %v14 = add i64 -9223372036854775808, 0
  %v15 = add i64 %v8, %v14
  %v16 = call double @__nv_sin(double %v6)
  %v17 = call double @__nv_sqrt(double %v16)
  %v18 = call double @__nv_pow(double %v17, double 0x4004000000000000)
  %v19 = fadd float %v7, 0x7FF0000000000000
  %v20 = fcmp uno float %v19, %p1
  %v21 = and i1 %v20, %p4
  %v23 = sub i64 %v15, %p3
  store double %v18, double* %r0
  store float %v19, float* %r1
  store i64 %v23, i64* %r2
  store i64 %v9, i64* %r3
  store i8 %v10, i8* %r4
  store i32 %v13, i32* %r5
  %t9 = zext i1 %v21 to i8
  store i8 %t9, i8* %r6
  ret void
}

define { double, float, i64, i64, i8, i32, i8 } @naja_numbers$0(double %a0, float %a1, i32 %a2, i64 %a3, i8 %a4) nounwind convergent {
  %t0 = alloca double
  %t1 = alloca float
  %t2 = alloca i64
  %t3 = alloca i64
  %t4 = alloca i8
  %t5 = alloca i32
  %t6 = alloca i8
  %t7 = icmp ne i8 %a4, 0
  call void @numbers$0(double %a0, float %a1, i32 %a2, i64 %a3, i1 %t7, double* %t0, float* %t1, i64* %t2, i64* %t3, i8* %t4, i32* %t5, i8* %t6)
  %t8 = load double, double* %t0
  %t9 = insertvalue { double, float, i64, i64, i8, i32, i8 } undef, double %t8, 0
  %t10 = load float, float* %t1
  %t11 = insertvalue { double, float, i64, i64, i8, i32, i8 } %t9, float %t10, 1
  %t12 = load i64, i64* %t2
  %t13 = insertvalue { double, float, i64, i64, i8, i32, i8 } %t11, i64 %t12, 2
  %t14 = load i64, i64* %t3
  %t15 = insertvalue { double, float, i64, i64, i8, i32, i8 } %t13, i64 %t14, 3
  %t16 = load i8, i8* %t4
  %t17 = insertvalue { double, float, i64, i64, i8, i32, i8 } %t15, i8 %t16, 4
  %t18 = load i32, i32* %t5
  %t19 = insertvalue { double, float, i64, i64, i8, i32, i8 } %t17, i32 %t18, 5
  %t20 = load i8, i8* %t6
  %t21 = insertvalue { double, float, i64, i64, i8, i32, i8 } %t19, i8 %t20, 6
  ret { double, float, i64, i64, i8, i32, i8 } %t21
}

declare float @__nv_fmodf(float, float)
declare i32 @llvm.cttz.i32(i32, i1)
declare i32 @llvm.ctlz.i32(i32, i1)
declare i32 @llvm.ctpop.i32(i32)
declare double @__nv_sin(double) nounwind
declare double @__nv_sqrt(double) nounwind
declare double @__nv_pow(double, double) nounwind
!0 = !{i32 2, i32 0, i32 3, i32 1}
!nvvmir.version = !{!0}
