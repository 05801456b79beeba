target datalayout = "e-p:64:64:64-i1:8:8-i8:8:8-i16:16:16-i32:32:32-i64:64:64-i128:128:128-f32:32:32-f64:64:64-v16:16:16-v32:32:32-v64:64:64-v128:128:128-n16:32:64"
target triple = "nvptx64-nvidia-cuda"

define internal i32 @kernel$0(float* %p0, i64 %p1, i1 %p2) nounwind convergent alwaysinline {
b0:
  %print26 = alloca i64, i32 5, align 8
  %v4 = bitcast [16 x float] addrspace(3)* @kernel$0_shared4 to float addrspace(3)*
  %v5 = addrspacecast float addrspace(3)* %v4 to float*
  %v6 = bitcast [0 x i8] addrspace(3)* @nj_dynshared to i32 addrspace(3)*
  %v7 = addrspacecast i32 addrspace(3)* %v6 to i32*
  %v8 = bitcast [8 x i8] addrspace(4) * @kernel$0_const8 to double addrspace(4)*
  %v9 = addrspacecast double addrspace(4)* %v8 to double*
  %v10 = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %v11 = sext i32 %v10 to i64
  %v12 = getelementptr inbounds float, float* %p0, i64 %v11
  %v13 = load float, float* %v12, align 4
  %v14 = getelementptr inbounds float, float* %v5, i64 %v11
  store float %v13, float* %v14, align 4
  call void @llvm.nvvm.barrier0() convergent
  %v15 = load float, float* %v5, align 4
  %v16 = call float @llvm.nvvm.atomic.load.add.f32.p0f32(float* %v12, float %v15)
  %v17 = atomicrmw max i32* %v7, i32 %v10 monotonic
  %t0 = cmpxchg i32* %v7, i32 0, i32 %v17 monotonic monotonic
  %v18 = extractvalue { i32, i1 } %t0, 0
  %v19 = load double, double* %v9, align 8
  %t1 = fpext float %v16 to double
  %t2 = getelementptr inbounds i64, i64* %print26, i64 0
  %t3 = bitcast i64* %t2 to double*
  store double %t1, double* %t3, align 8
  %t4 = getelementptr inbounds i64, i64* %print26, i64 1
  %t5 = bitcast i64* %t4 to double*
  store double %v19, double* %t5, align 8
  %t6 = zext i1 %p2 to i64
  %t7 = getelementptr inbounds i64, i64* %print26, i64 2
  store i64 %t6, i64* %t7, align 8
  %t8 = bitcast i64* %print26 to i8*
  %t9 = call i32 @vprintf(i8* addrspacecast (i8 addrspace(1)* getelementptr inbounds ([16 x i8], [16 x i8] addrspace(1)* @nj_str6, i64 0, i64 0) to i8*), i8* %t8)
  %v21 = call i32 @llvm.nvvm.barrier0.popc(i32 %v18) convergent
  call void @llvm.nvvm.membar.gl()
  %v22 = icmp sgt i32 %v21, 3
  br i1 %v22, label %b1, label %b2
b1:
  ret i32 1
b2:
  ret i32 0
}

define void @naja_kernel$0(float* %a0, i64 %a1, i8 %a2) nounwind convergent {
  %t0 = icmp ne i8 %a2, 0
  %t1 = call i32 @kernel$0(float* %a0, i64 %a1, i1 %t0)
  ret void
}

@kernel$0_shared4 = internal addrspace(3) global [16 x float] undef, align 16
@nj_dynshared = external addrspace(3) global [0 x i8], align 16
@kernel$0_const8 = internal addrspace(4) constant [8 x i8] c"\00\00\00\00\00\00\F0?", align 16
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x() nounwind readnone
declare void @llvm.nvvm.barrier0() convergent nounwind
declare float @llvm.nvvm.atomic.load.add.f32.p0f32(float*, float)
declare i32 @vprintf(i8*, i8*)
@nj_str6 = internal addrspace(1) constant [16 x i8] c"%f and %f %lld\0A\00"
declare i32 @llvm.nvvm.barrier0.popc(i32) convergent nounwind
declare void @llvm.nvvm.membar.gl() nounwind
!0 = !{void (float*, i64, i8)* @naja_kernel$0, !"kernel", i32 1}
!nvvm.annotations = !{!0}
!1 = !{i32 2, i32 0, i32 3, i32 1}
!nvvmir.version = !{!1}
