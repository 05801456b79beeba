target datalayout = "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-f32:32:32-f64:64:64-v16:16:16-v32:32:32-v64:64:64-v128:128:128-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

define internal double @memory$0(i8* %p0, double* %p1, i64 %p2, i1 %p3) nounwind convergent alwaysinline {
b0:
  %v5 = alloca i32, i32 4, align 16
  %v6 = getelementptr inbounds i8, i8* %p0, i64 %p2
  %t0 = load i8, i8* %v6, align 1
  %v7 = icmp ne i8 %t0, 0
  %v8 = xor i1 %v7, %p3
  %t1 = zext i1 %v8 to i8
  store i8 %t1, i8* %v6, align 1
  %t2 = bitcast double* %p1 to i8*
  %t3 = getelementptr inbounds i8, i8* %t2, i64 8
  %v9 = bitcast i8* %t3 to double*
  %v10 = bitcast double* %v9 to i8*
  %v11 = bitcast i8* %v10 to double*
  %v12 = load double, double* %v11, align 8
  %v13 = getelementptr inbounds i32, i32* %v5, i64 1
  store i32 7, i32* %v13, align 4
  %v14 = load volatile i32, i32* %v13, align 4
  %v15 = sitofp i32 %v14 to double
  %v16 = bitcast double* %v9 to i64*
  %v17 = load i64, i64* %v16, align 8
  %v18 = bitcast i64 %v17 to double
  %v19 = fadd double %v12, %v15
  %v20 = select i1 %v8, double %v19, double %v18
  ret double %v20
}

define double @naja_memory$0(i8* %a0, double* %a1, i64 %a2, i8 %a3) nounwind convergent {
  %t0 = alloca double
  %t1 = icmp ne i8 %a3, 0
  %t2 = call double @memory$0(i8* %a0, double* %a1, i64 %a2, i1 %t1)
  ret double %t2
}

!0 = !{i32 2, i32 0, i32 3, i32 1}
!nvvmir.version = !{!0}
